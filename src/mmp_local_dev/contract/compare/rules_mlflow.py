"""What has changed about MLflow's capabilities."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.compare.pairs import Place, compared
from mmp_local_dev.contract.model import Contract, Promise


def changes(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    """Those of capabilities: each is there or not."""
    yield from compared(_capabilities(old), _capabilities(new), _place, (), as_of)


def _capabilities(contract: Contract) -> dict[str, Promise]:
    return {name: Promise(name, line=contract.mlflow_line) for name in contract.mlflow_capabilities}


def _place(capability: Promise) -> Place:
    return Place("mlflow-capability", "mlflow", Subject("mlflow", capability.name), capability.name)
