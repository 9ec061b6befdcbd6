"""Groups: the parts of requirements that can be checked by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from mmp_local_dev.contract.needs.subjects import Subject, subject_of, uses
from mmp_local_dev.contract.requirements import FeatureNeed, Need, Requirements, TableNeed
from mmp_local_dev.errors import InputError

N = TypeVar("N", bound=Need)

# The words that stand for a whole section, with the kinds of subjects in it. `mlflow` is also the name of a service.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "env": ("env",),
    "tables": ("table", "column"),
    "features": ("view", "feature"),
    "mlflow": ("mlflow",),
    "latency": ("sla",),
}


def words_of(requirements: Requirements) -> list[str]:
    """The words that name something in a group: sections that are there, and services."""
    kinds = {kind for kind, _ in uses(requirements)}
    sections = [word for word, of in SECTIONS.items() if kinds & set(of)]
    return [*dict.fromkeys((*sections, *requirements.services))]


def named(word: str, subjects: Iterable[Subject]) -> set[Subject]:
    """Those of `subjects` that a word of a group names: a section, a service, or the id of a clause."""
    about = {("service", word), subject_of(word)}
    kinds = SECTIONS.get(word, ())
    return {subject for subject in subjects if subject in about or subject[0] in kinds}


def of_group(requirements: Requirements, names: Collection[str]) -> Requirements:
    """The part of the requirements that these groups name; all of them when `names` is empty.

    Variables belong to every group, unless a group asks for some of them: all that is to be reached is reached
    through them. Raises InputError for a group that the requirements do not have.
    """
    if not names:
        return requirements
    words = [word for name in names for word in _words(requirements, name)]
    subjects = uses(requirements)
    chosen = {subject for word in words for subject in named(word, subjects)}
    if not any(kind == "env" for kind, _ in chosen):
        chosen |= named("env", subjects)
    return _narrowed(requirements, chosen)


def _words(requirements: Requirements, name: str) -> tuple[str, ...]:
    group = requirements.groups.get(name)
    if group is None:
        there = ", ".join(requirements.groups) or "no groups"
        raise InputError(f"{requirements.path.name} has no group {name}. There are: {there}.")
    return group.words


def _narrowed(requirements: Requirements, chosen: Collection[Subject]) -> Requirements:
    """What the subjects name; a table with its chosen columns, or with all of them where none is."""
    return replace(
        requirements,
        variables=_kept(requirements.variables, "env", chosen),
        services=_kept(requirements.services, "service", chosen),
        tables={table.name: table for table in _tables(requirements, chosen)},
        features={f.name: f for f in requirements.features.values() if _is_chosen(f, chosen)},
        capabilities=_kept(requirements.capabilities, "mlflow", chosen),
        latency={n: need for n, need in requirements.latency.items() if ("sla", f"latency:{n}") in chosen},
    )


def _kept(needs: Mapping[str, N], kind: str, chosen: Collection[Subject]) -> dict[str, N]:
    return {name: need for name, need in needs.items() if (kind, name) in chosen}


def _tables(requirements: Requirements, chosen: Collection[Subject]) -> Iterator[TableNeed]:
    for table in requirements.tables.values():
        columns = {c.name: c for c in table.columns.values() if ("column", f"{table.name}:{c.name}") in chosen}
        if columns or ("table", table.name) in chosen:
            yield replace(table, columns=columns or table.columns)


def _is_chosen(feature: FeatureNeed, chosen: Collection[Subject]) -> bool:
    return ("feature", feature.name) in chosen or ("view", feature.view) in chosen
