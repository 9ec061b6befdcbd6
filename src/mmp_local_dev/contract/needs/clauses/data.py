"""Tables with their columns, and feature views with their features."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.clauses.base import ClauseBroken
from mmp_local_dev.contract.needs.offer import NeedCheck, NeedClause, Offer, promised
from mmp_local_dev.contract.requirements import ColumnNeed, FeatureNeed, Need, Requirements, TableNeed
from mmp_local_dev.contract.types import base, canonical


def tables(requirements: Requirements) -> Iterator[NeedClause]:
    """Whether each is promised, with the columns that the consumer reads."""
    for need in requirements.tables.values():
        present = _of_schema("present", need.name, need, _table(need), "service.ready[postgresql]")
        yield present
        for column in need.columns.values():
            check = _column(need, column)
            yield _of_schema("column", f"{need.name}:{column.name}", column, check, present.id)


def _of_schema(kind: str, subject: str, need: Need, check: NeedCheck, cause: str) -> NeedClause:
    return NeedClause(f"table.{kind}[{subject}]", check, need.line, (cause,), "postgresql", "schema")


def _table(need: TableNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> None:
        promised(offer.tables, need.name, "the table")

    return check


def _column(table: TableNeed, need: ColumnNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> str:
        columns = promised(offer.tables, table.name, "the table").columns
        found = promised(columns, need.name, f"{table.name} exists, but the column")
        if need.type and not _holds(need.type, found.type):
            raise ClauseBroken(
                f"the column {need.name} of {table.name} is promised with another type",
                expected=need.type,
                actual=found.type,
            )
        return found.type

    return check


def _holds(wanted: str, promised_type: str) -> bool:
    """Whether they are one type; `varchar` asks for no particular length."""
    return canonical(wanted) in (canonical(promised_type), base(promised_type))


def features(requirements: Requirements) -> Iterator[NeedClause]:
    """Whether each is promised, with its view and the type that the consumer reads."""
    told: set[str] = set()
    for need in requirements.features.values():
        view = f"feature.view[{need.view}]"
        if need.view not in told:
            yield NeedClause(view, _view(need), need.line, ("service.ready[redis]",), section="feast")
        told.add(need.view)
        yield NeedClause(f"feature.dtype[{need.name}]", _dtype(need), need.line, (view,), section="feast")


def _view(need: FeatureNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> None:
        promised(offer.views, need.view, "the feature view")

    return check


def _dtype(need: FeatureNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> str:
        found = promised(offer.features(need.view), need.feature, f"{need.view} exists, but the feature")
        if need.dtype and found.dtype != need.dtype:
            raise ClauseBroken(
                f"the feature {need.name} is promised with another type", expected=need.dtype, actual=found.dtype
            )
        return found.dtype

    return check
