"""What a consumer needs, read off its files: its code is parsed, and neither imported nor run."""
