"""mmp-local-dev: a local MLOps stack behind one command, and the contract that proves it."""

__version__ = "0.1.0"


class ContractWarning(UserWarning):
    """A promise of the contract is broken that is not to break the run: pytest shows it, `-W error` makes it fail."""
