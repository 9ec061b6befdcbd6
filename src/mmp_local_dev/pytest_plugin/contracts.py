"""The provider's contract as its consumers read it."""

from __future__ import annotations

import warnings
from pathlib import Path

from mmp_local_dev import ContractWarning
from mmp_local_dev.contract.load import load_lenient
from mmp_local_dev.contract.model import Contract


def provided(path: Path) -> Contract:
    """The contract at `path`; of one in a newer form than is known here, what is known, with a ContractWarning.

    Raises ContractInvalid as `load` does.
    """
    contract, doubts = load_lenient(path)
    for doubt in doubts:
        warnings.warn_explicit(ContractWarning(doubt), None, str(path), 1)
    return contract
