"""The plain alternatives: MLflow run by hand, and the compose file that everybody would write."""
