"""The feature store's definitions and its data set: how they come into a stack, and what is known of them there."""
