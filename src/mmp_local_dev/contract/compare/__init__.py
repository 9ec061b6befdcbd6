"""What has changed between two versions of a contract, what that means to consumers, and which version is due."""
