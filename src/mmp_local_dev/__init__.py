"""mmp-local-dev: a local MLOps stack behind one command, and the contract that proves it."""

__version__ = "0.1.0"
