"""What has changed about reserved names: tombstones, which say that a name must not come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.model import Contract

# What `reserved` calls them -> the word that the rules begin with, which is the subject's kind too.
_KINDS = {"env": "env", "services": "service", "tables": "table", "features": "feature"}


def changes(old: Contract, new: Contract, _as_of: date) -> Iterator[Change]:
    """Tombstones that are new or gone, and names that come back in spite of one."""
    for key, kind in _KINDS.items():
        was, now = set(old.reserved.get(key, ())), set(new.reserved.get(key, ()))
        gone, new_names = _names(old, key) - _names(new, key), _names(new, key) - _names(old, key)
        yield from (_change(f"{kind}-name-reused", key, name, "was reserved and is back") for name in was & new_names)
        yield from (_change(f"{kind}-name-retired", key, name, "is gone and reserved") for name in now & gone)
        yield from (_change("tombstone-removed", key, name, "is no longer reserved") for name in was - now - new_names)
        yield from (_change("tombstone-added", key, name, "is reserved") for name in now - was - gone)


def _change(rule: str, key: str, name: str, text: str) -> Change:
    return Change(rule, Subject(_KINDS[key], name), "reserved", f"{key}.{name}", f"{name}: {text}")


def _names(contract: Contract, key: str) -> set[str]:
    """The names of this kind that a contract promises."""
    if key == "tables":
        return {name for table in contract.tables.values() for name in (table.name, table.physical_name)}
    if key == "features":
        views = contract.feast.views.values() if contract.feast else ()
        return {f"{view.name}:{feature}" for view in views for feature in view.features}
    return set(contract.variables if key == "env" else contract.services)
