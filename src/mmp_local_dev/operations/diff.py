"""`contract diff`: what has changed since an earlier version of the contract."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mmp_local_dev.contract.compare.changes import Uses
from mmp_local_dev.contract.compare.diff import Diff
from mmp_local_dev.contract.compare.diff import diff as compare
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.load.waivers import FILE, load_waivers
from mmp_local_dev.contract.needs import uses
from mmp_local_dev.errors import InputError
from mmp_local_dev.operations.baseline import MERGE_BASE, baseline
from mmp_local_dev.operations.consumers import requirement_files


@dataclass(frozen=True)
class Comparison:
    """A Diff, the file that was compared, and in words what it was compared with; `consumers` are those whose
    requirements are known, None where nobody asked for them."""

    diff: Diff
    file: str
    baseline: str
    consumers: tuple[str, ...] | None = None

    def to_data(self) -> dict[str, Any]:
        """As JSON knows it."""
        consumers = None if self.consumers is None else list(self.consumers)
        return {**self.diff.to_data(), "file": self.file, "baseline": self.baseline, "consumers": consumers}


def diff(
    path: Path,
    *,
    against: str = MERGE_BASE,
    as_of: date,
    waivers: Path | None = None,
    consumers: Sequence[str] = (),
) -> Comparison:
    """Compare the contract file `path` with an earlier version, which `against` names (see `baseline`).

    Sunsets and waivers are judged as of the day `as_of`; `waivers` is a file that has to exist, None for the one beside
    the contract if there is one. `consumers` are requirements files, or patterns or folders of them. Raises InputError
    for a file or a revision that is not there, ContractInvalid for one that is wrong, MmpError where Git cannot say.
    """
    if waivers is not None and not waivers.is_file():
        raise InputError(f"There is no file {waivers}.")
    new = load(path)
    known = load_waivers(waivers or path.with_name(FILE), as_of)
    used = _uses(consumers)
    old = baseline(path, against)
    found = compare(old.contract, new, as_of=as_of, waivers=known).used_by(used)
    return Comparison(found, str(path), old.told, tuple(sorted(used)) if consumers else None)


def _uses(words: Sequence[str]) -> Uses:
    """What each consumer requires, by its name; those of one name together."""
    paths = requirement_files(words)
    if words and not paths:
        raise InputError(f"There are no requirements in {', '.join(words)}.")
    found: dict[str, Set[tuple[str, str]]] = {}
    for requirements in map(load_requirements, paths):
        found[requirements.name] = found.get(requirements.name, frozenset()) | uses(requirements)
    return found
