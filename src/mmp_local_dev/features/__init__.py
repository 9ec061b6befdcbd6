"""The feature store's data: the data set, how it is made, imported and loaded."""
