"""The data set that is made up: a world, its people, and what they and thieves buy."""
