"""What has changed about the contract as a whole, and what contracts of two forms have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from mmp_local_dev.contract.compare.changes import DOCUMENT, Change
from mmp_local_dev.contract.compare.pairs import Pair, Place
from mmp_local_dev.contract.model import Contract, ContractService, Promise, Variable, VariableType
from mmp_local_dev.contract.well_known import FORM_1_0


def changes(old: Contract, new: Contract, _as_of: date) -> Iterator[Change]:
    """Those of the form, the name and what else stands at the top."""
    pair = Pair(Promise("contract"), Promise("contract"), Place("contract", "contract", DOCUMENT, "contract"))
    word = "reduced" if new.form == FORM_1_0 else "extended"
    yield from pair.differs(f"form-{word}", "form", old.form, new.form)
    yield from pair.differs("contract-renamed", "name", old.name, new.name)
    yield from pair.differs("contract-status-changed", "status", old.status, new.status)
    yield from pair.differs("contract-owner-changed", "owner", old.owner, new.owner)
    yield from pair.differs("contract-ruleset-changed", "ruleset", old.ruleset, new.ruleset)
    yield from pair.appears(
        "verification-script", "verification_script", old.verification_script, new.verification_script
    )


def in_common_form(old: Contract, new: Contract) -> tuple[Contract, Contract]:
    """Both with what both forms can say; as they are where neither is of the 1.0 form.

    The 1.0 form says nothing of types, versions, passwords and so on, which is no promise that there are none.
    """
    if FORM_1_0 in (old.form, new.form):
        return _surface(old), _surface(new)
    return old, new


def _surface(contract: Contract) -> Contract:
    """What readers of the 1.0 form see: names, and ports as numbers."""
    return replace(
        contract,
        variables={v.name: _bare_variable(v) for v in contract.variables.values() if v.required and not v.accepted},
        services={service.name: _bare_service(service) for service in contract.services.values()},
        tables={},
        feast=None,
        mlflow_capabilities=(),
        fixtures={},
        service_levels={},
        reserved={},
        name="",
        status="",
        owner="",
        ruleset=1,
    )


def _bare_variable(variable: Variable) -> Variable:
    return Variable(variable.name, VariableType.STRING, line=variable.line)


def _bare_service(service: ContractService) -> ContractService:
    return ContractService(
        service.name, "", "", service.port, "fixed", health_path=service.health_path, line=service.line
    )
