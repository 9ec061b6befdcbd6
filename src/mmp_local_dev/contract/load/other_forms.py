"""Which form a document is of: ours, the 1.0 form from before `apiVersion`, or one of a newer tool."""

from __future__ import annotations

import re
from dataclasses import replace

from mmp_local_dev.contract.load.document import Node, Problem
from mmp_local_dev.contract.load.form import Schema
from mmp_local_dev.errors import Repair

KNOWN = ("mmp.dev/v2",)
UPGRADE = Repair("pip install --upgrade mmp-local-dev", "installs a tool that knows newer forms")

_FORM = re.compile(r"mmp\.dev/v([1-9][0-9]{0,5})")
_KEYS_OF_1_0 = {"version", "provides_env_variables", "provides_services", "verification_script"}


def is_1_0(document: Node) -> bool:
    """Whether it has keys of the 1.0 form and no others."""
    return bool(document.members) and document.members.keys() <= _KEYS_OF_1_0


def newer(document: Node) -> Problem | None:
    """What to say of a document whose form is ours in a later version; None for any other document.

    It stands alone: everything else that could be said of such a document would be beside the point.
    """
    form = document.at("apiVersion")
    found = _FORM.fullmatch(form.text)
    if found is None or int(found[1]) <= max(int(known.rpartition("v")[2]) for known in KNOWN):
        return None
    text = f"this tool knows {', '.join(KNOWN)}, not {form.text}; upgrade it with `{UPGRADE.command}`"
    return Problem(form.line, ("apiVersion",), text)


def as_known(document: Node, schema: Schema) -> Node:
    """A document of a newer form as one of ours: without the keys that `schema` does not know, at any level."""
    known = _without_unknown(document, schema)
    form = replace(document.at("apiVersion"), text=KNOWN[-1])
    return replace(known, members={**known.members, "apiVersion": form})


def _without_unknown(node: Node, part: Schema) -> Node:
    if node.kind == "array" and "items" in part:
        return replace(node, items=tuple(_without_unknown(item, part["items"]) for item in node.items))
    if node.kind != "object" or "additionalProperties" not in part:
        return node
    parts, others = part.get("properties", {}), part["additionalProperties"]
    wanted = {name: parts.get(name, others) for name in node.members if name in parts or others is not False}
    return replace(node, members={name: _without_unknown(node.members[name], wanted[name]) for name in wanted})
