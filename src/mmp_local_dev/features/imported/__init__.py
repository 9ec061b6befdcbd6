"""The public file `fraudTrain.csv` (Kaggle, "Credit Card Transactions Fraud Detection Dataset") as a data set."""
