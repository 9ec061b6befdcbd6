"""The rules: what each change weighs, and which change takes it back.

The yardstick: a change breaks (ERR) when a consumer that followed the old contract can stop working under the new one.
WARN is for what the document alone cannot decide. What is provided may only get narrower in range and wider in
existence; what is accepted the other way round. A contract names the ruleset that it is judged by (`ruleset: 1`): the
verdicts of a ruleset that has been released do not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mmp_local_dev.contract.compare.changes import Bump, Weight
from mmp_local_dev.errors import InputError, Repair

NONE, INFO, WARN, ERR = Weight
BUMPS: Mapping[Weight, Bump] = {ERR: Bump.MAJOR, WARN: Bump.MINOR, INFO: Bump.MINOR, NONE: Bump.PATCH}


@dataclass(frozen=True)
class Rule:
    """One rule. `mirror` is the rule of the opposite change, itself where both ways are one, "" where there is none.

    `direction` says who gives: `provided` to the consumer, `accepted` from it, or neither. `strict` is the severity
    where the clause is `severity: error`; `bump` the part of the version to raise, where the severity does not say it.
    """

    id: str
    severity: Weight
    mirror: str
    meaning: str
    direction: str = ""
    strict: Weight | None = None
    bump: Bump | None = None

    def to_data(self) -> dict[str, str]:
        """As JSON knows it."""
        said = {"id": self.id, "severity": self.severity.name, "mirror": self.mirror, "meaning": self.meaning}
        return {**said, "direction": self.direction, "strict": self.strict.name if self.strict else ""}


# Each line: a change, its severity and meaning; then the change that takes it back, or nothing where that is the same.
_Row = tuple[str, Weight, str] | tuple[str, Weight, str, str, Weight, str]

_CLAUSES = {
    "env": "a variable",
    "service": "a service",
    "table": "a table",
    "column": "a column",
    "entity": "an entity",
    "view": "a feature view",
    "feature": "a feature",
    "feature-service": "a feature service",
    "fixture": "a fixture",
}

_PROVIDED: tuple[_Row, ...] = (
    ("any-optional-removed", WARN, "a clause with `required: false` is gone", "any-optional-added", INFO, "one is new"),
    ("env-type-narrowed", INFO, "string became another type", "env-type-widened", ERR, "another type became string"),
    ("env-type-changed", ERR, "the type became another, neither of them string"),
    ("env-enum-value-added", WARN, "more values are possible", "env-enum-value-removed", INFO, "fewer are"),
    ("env-min-length-lowered", ERR, "values may be shorter", "env-min-length-raised", INFO, "they are longer"),
    ("env-const-changed", ERR, "the constant value is another"),
    ("env-const-removed", ERR, "the value is no longer constant", "env-const-added", INFO, "it is constant now"),
    ("env-binding-changed", ERR, "the variable carries a part of something else"),
    ("env-binding-removed", WARN, "it is not said what it carries", "env-binding-added", INFO, "it is said now"),
    ("service-port-changed", ERR, "the port is another, and `port_policy: fixed` had promised its number"),
    ("service-port-changed-env", NONE, "the port is another; a variable says which"),
    ("service-port-policy-relaxed", ERR, "fixed became env", "service-port-policy-fixed", INFO, "env became fixed"),
    ("service-protocol-changed", ERR, "the protocol is another"),
    ("service-endpoint-removed", ERR, "a view has no address", "service-endpoint-added", INFO, "a view has one"),
    ("service-endpoint-name-changed", ERR, "the host's name is another in a view"),
    ("service-health-path-changed", ERR, "the path of the health check is another"),
    ("service-health-path-removed", ERR, "there is none", "service-health-path-added", INFO, "there is one"),
    ("service-version-widened", ERR, "more versions may run", "service-version-narrowed", INFO, "fewer may"),
    ("service-version-moved", ERR, "versions may run that could not, and others no longer"),
    ("column-type-changed", ERR, "the type is another, not only another spelling"),
    ("column-length-widened", WARN, "texts may be longer", "column-length-narrowed", INFO, "they are shorter"),
    ("column-became-nullable", ERR, "values may be missing", "column-became-not-nullable", INFO, "none is"),
    ("key-or-unique-removed", ERR, "rows may repeat", "key-or-unique-added", INFO, "they do not"),
    ("entity-join-key-changed", ERR, "the join key is another"),
    ("entity-dtype-changed", ERR, "the join key's type is another"),
    ("entity-key-serialization-changed", ERR, "online keys are written in another way"),
    ("feast-project-changed", ERR, "the project is another"),
    ("feast-project-removed", ERR, "there is no feature store", "feast-project-added", INFO, "there is one"),
    ("feature-dtype-changed", ERR, "the type is another, be it a wider one"),
    ("feature-service-feature-removed", ERR, "it lacks a feature", "feature-service-feature-added", INFO, "it has one"),
    ("view-entities-changed", ERR, "it is keyed by other entities"),
    ("view-definition-changed", WARN, "the digest of its definition is another"),
    ("view-definition-removed", WARN, "it has no digest", "view-definition-added", INFO, "it has one"),
    ("view-source-changed", WARN, "it reads another table"),
    ("view-timestamp-field-changed", WARN, "another column says when a value is of"),
    ("view-ttl-shortened", WARN, "values expire sooner", "view-ttl-lengthened", INFO, "values expire later"),
    ("view-online-removed", ERR, "it cannot be read online", "view-online-added", INFO, "it can be"),
    ("mlflow-capability-removed", ERR, "MLflow cannot do it", "mlflow-capability-added", INFO, "MLflow can do it"),
    ("fixture-entity-changed", ERR, "the keys are those of another entity"),
    ("fixture-value-removed", ERR, "a key is not known to exist", "fixture-value-added", INFO, "one is"),
    ("fixture-place-removed", ERR, "keys are missing in a store", "fixture-place-added", INFO, "they are there"),
    ("fixture-view-changed", ERR, "the answers are those of another view"),
    ("fixture-moment-changed", ERR, "the answers are those of another moment"),
    ("fixture-answer-changed", ERR, "the known answer is another"),
    ("fixture-answer-removed", ERR, "an answer is not known", "fixture-answer-added", INFO, "one is"),
    ("fixture-given-added", ERR, "it is true of one data set only", "fixture-given-removed", INFO, "it is of any"),
    ("fixture-given-changed", ERR, "it is true of another data set"),
    ("clause-severity-lowered", ERR, "error became warning", "clause-severity-raised", INFO, "warning became error"),
    ("clause-stability-decreased", WARN, "it is less stable", "clause-stability-increased", INFO, "it is more"),
    ("clause-deprecated", INFO, "it is deprecated", "clause-undeprecated", INFO, "it is no longer"),
    ("clause-sunset-set", INFO, "it has a last day", "clause-sunset-lifted", INFO, "it has none"),
    ("clause-sunset-advanced", WARN, "its last day is earlier", "clause-sunset-postponed", INFO, "it is later"),
    ("tombstone-removed", WARN, "a name may be used again", "tombstone-added", INFO, "a name is reserved"),
    *(
        (f"{kind}-name-reused", ERR, "a reserved name is back", f"{kind}-name-retired", INFO, "it is gone and reserved")
        for kind in ("env", "service", "table", "feature")
    ),
    ("form-reduced", ERR, "the contract is of the 1.0 form, which says less", "form-extended", INFO, "it says more"),
)

_ACCEPTED: tuple[_Row, ...] = (
    ("env-input-required-added", ERR, "the consumer has to set one", "env-input-required-removed", INFO, "it has not"),
    ("env-input-became-required", ERR, "the consumer has to set it", "env-input-became-optional", INFO, "it may"),
    ("env-input-type-narrowed", ERR, "string became another type", "env-input-type-widened", INFO, "it became string"),
    ("env-input-type-changed", ERR, "the type became another, neither of them string"),
    ("env-input-enum-value-removed", ERR, "fewer are possible", "env-input-enum-value-added", INFO, "more are"),
    ("env-input-min-length-raised", ERR, "it has to be longer", "env-input-min-length-lowered", INFO, "less will do"),
    ("service-client-narrowed", ERR, "fewer versions may connect", "service-client-widened", INFO, "more may"),
    ("service-client-moved", ERR, "versions may connect that could not, and others no longer"),
    ("service-client-removed", ERR, "a client is not spoken of", "service-client-added", INFO, "one is"),
    ("service-auth-tightened", ERR, "a way in is closed", "service-auth-alternative-added", INFO, "a way in is open"),
)

_NEITHER: tuple[_Row, ...] = (
    ("contract-renamed", WARN, "the contract's name is another"),
    ("contract-status-changed", INFO, "its status is another"),
    ("contract-owner-changed", NONE, "its owner is another"),
    ("contract-ruleset-changed", INFO, "changes are judged by another ruleset"),
    ("verification-script-changed", WARN, "the script is another"),
    ("verification-script-removed", WARN, "there is none", "verification-script-added", INFO, "there is one"),
    ("env-default-changed", NONE, "the default is another"),
    ("env-sensitivity-changed", WARN, "whether it is a secret"),
    ("service-needs-changed", NONE, "it needs other services"),
    ("table-name-changed", NONE, "its name within the contract is another"),
    ("key-order-changed", NONE, "the columns of the key are in another order"),
)

NEWEST = 1
NOT_BUMPED, DECREASED, INSUFFICIENT = "version-not-bumped", "version-decreased", "version-insufficient"

_VERSION = (
    Rule(NOT_BUMPED, ERR, "", "the contract has changed, its version has not"),
    Rule(DECREASED, ERR, "", "the version is lower than it was"),
    Rule(INSUFFICIENT, ERR, "", "the version was raised by less than is due"),
)


def rules(number: int) -> Mapping[str, Rule]:
    """The rules of a ruleset by their ids. Raises InputError for a number that this tool does not know."""
    if number != NEWEST:
        raise InputError(
            f"This tool knows ruleset {NEWEST}, not {number}, which the contract asks for.",
            repairs=[Repair("pip install --upgrade mmp-local-dev", "installs a tool that may know it")],
        )
    return {rule.id: rule for rule in (*_rules(), *_VERSION)}


def _rules() -> Iterator[Rule]:
    for kind, noun in _CLAUSES.items():
        yield from _existence(kind, noun, ERR)
    # What a service level promises depends on the machine: it counts in full only where it says `severity: error`.
    yield from _existence("slo", "a service level", WARN, strict=ERR)
    yield Rule("slo-relaxed", WARN, "slo-tightened", "more time is allowed", "provided", strict=ERR)
    yield Rule("slo-tightened", INFO, "slo-relaxed", "less time is allowed", "provided")
    for direction, rows in (("provided", _PROVIDED), ("accepted", _ACCEPTED), ("", _NEITHER)):
        for row in rows:
            yield from _of_row(row, direction)


def _existence(kind: str, noun: str, severity: Weight, *, strict: Weight | None = None) -> Iterator[Rule]:
    """Promises may come, not go; a consumer that has been told a last day and sleeps through it is late itself."""
    gone, new = f"{kind}-removed", f"{kind}-added"
    yield Rule(gone, severity, new, f"{noun} is gone", "provided", strict)
    yield Rule(new, INFO, gone, f"{noun} is new", "provided")
    late, born_late = f"{gone}-after-sunset", f"{new}-after-sunset"
    yield Rule(late, WARN, born_late, f"{noun} is gone after its sunset", "provided", bump=BUMPS[severity])
    yield Rule(born_late, INFO, late, f"{noun} is new after its sunset", "provided")
    optional, required = f"{kind}-became-optional", f"{kind}-became-required"
    yield Rule(optional, severity, required, f"{noun} may be missing", "provided", strict)
    yield Rule(required, INFO, optional, f"{noun} is always there", "provided")


def _of_row(row: _Row, direction: str) -> Iterator[Rule]:
    if len(row) == 3:
        yield Rule(row[0], row[1], row[0], row[2], direction)
    else:
        yield Rule(row[0], row[1], row[3], row[2], direction)
        yield Rule(row[3], row[4], row[0], row[5], direction)
