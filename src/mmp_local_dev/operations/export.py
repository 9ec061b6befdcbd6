"""`contract export`: the contract in another form."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev.contract.export import FORMS
from mmp_local_dev.contract.load import load


def export(path: Path, form: str) -> str:
    """The contract at `path` in the form of this name, one of FORMS. Raises ContractInvalid."""
    return FORMS[form](load(path))
