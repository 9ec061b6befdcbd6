"""The contract against the provider's own files: no service runs, and nothing of the files is executed."""
