"""What the last apply left, in a small file beside the registry, so that the next one need not start Feast."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.files import write_if_changed


@dataclass(frozen=True)
class Applied:
    """What is in place. `definitions`, `registry` and `tables` (the SQL file that was run last) are digests, `feast` is
    the version that made the registry, `key_version` that in which it has entity keys written.

    `leftovers` are values in the online store that no longer belong there: by feature view the features that are gone
    or of another type, and "" for the view as a whole. They are noted before the registry is replaced, and forgotten
    when they are removed.
    """

    definitions: str = ""
    registry: str = ""
    feast: str = ""
    key_version: int = 0
    tables: str = ""
    leftovers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def beside(registry: Path) -> Path:
    """The file that belongs to a registry."""
    return registry.with_name(f"{registry.name}.applied.json")


def load(registry: Path) -> Applied:
    """What the file says; nothing when there is none, or none that can be read: then everything is done again."""
    try:
        found = Applied(**json.loads(beside(registry).read_text(encoding="utf-8")))
        return Applied(**{**vars(found), "leftovers": {name: tuple(each) for name, each in found.leftovers.items()}})
    except (OSError, ValueError, TypeError, AttributeError):
        return Applied()


def save(registry: Path, applied: Applied) -> None:
    """Write it, atomically. Raises MmpError when that cannot be done."""
    try:
        registry.parent.mkdir(parents=True, exist_ok=True)
        write_if_changed(beside(registry), json.dumps(asdict(applied), indent=2) + "\n")
    except OSError as error:
        raise unwritable(registry, error) from None


def unwritable(registry: Path, error: OSError) -> MmpError:
    """The error for a registry, or what is kept beside it, that cannot be written."""
    folder = shlex.quote(str(registry.parent))
    return MmpError(
        f"{registry} cannot be written: {error.strerror}. The registry is as it was.",
        repairs=[Repair(f"df -h {folder}; ls -ld {folder}", "show whether its disk is full, and whose the folder is")],
        code="REGISTRY_UNUSABLE",
    )
