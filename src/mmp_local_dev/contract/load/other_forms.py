"""Contracts of another form than ours: from before `apiVersion`, or from a newer tool.

Such a document gets one answer, since everything else that could be said about it would be beside the point.
"""

from __future__ import annotations

import re

from mmp_local_dev.contract.load.document import Node, Problem, invalid
from mmp_local_dev.contract.load.form import schema
from mmp_local_dev.errors import ContractInvalid, Repair

KNOWN = ("mmp.dev/v2",)
UPGRADE = "pip install --upgrade mmp-local-dev"

_FORM = re.compile(r"mmp\.dev/v([1-9][0-9]{0,5})")
_KEYS_OF_1_0 = {"version", "provides_env_variables", "provides_services", "verification_script"}


def refuse_other_forms(name: str, document: Node) -> None:
    """Do nothing when `document`, from the file `name`, claims to be of our form or of none that we know of.

    Raises ContractInvalid when it is of the 1.0 form, or of a newer one than this tool knows.
    """
    if document.members and document.members.keys() <= _KEYS_OF_1_0:
        raise _old(name, document)
    refuse_newer_form(name, document)


def refuse_newer_form(name: str, document: Node) -> None:
    """Raise ContractInvalid when `document`, from the file `name`, is of a newer form than this tool knows."""
    form = document.at("apiVersion")
    found = _FORM.fullmatch(form.text)
    if found and int(found[1]) > _newest():
        raise _newer(name, form)


def _newest() -> int:
    return max(int(known.rpartition("v")[2]) for known in KNOWN)


def _old(name: str, document: Node) -> ContractInvalid:
    missing = ", ".join(key for key in schema()["required"] if key not in _KEYS_OF_1_0)
    text = (
        f"this contract is of the 1.0 form, which says too little to be checked; add {missing}, "
        "or run `mmp-dev init` in an empty folder to get a full one"
    )
    repair = Repair("mmp-dev init", "writes a full contract into an empty folder")
    return invalid(name, [Problem(document.line, (), text)], repairs=[repair])


def _newer(name: str, form: Node) -> ContractInvalid:
    text = f"this tool knows {', '.join(KNOWN)}, not {form.text}; upgrade it with `{UPGRADE}`"
    repair = Repair(UPGRADE, "installs a tool that knows newer forms")
    return invalid(name, [Problem(form.line, ("apiVersion",), text)], repairs=[repair])
