"""What service levels have to be beyond their form. Each rule yields the problems that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmp_local_dev.contract.load.document import Node, Problem, quoted
from mmp_local_dev.contract.load.table_rules import repeated

Where = tuple[str, ...]

_UNITS = {"latency": ("ms", "s"), "freshness": ("s", "m", "h", "d")}
_ELEMENTS = {"latency": ("services", "feast"), "freshness": ("feast", "schema")}


def levels_are_unique(document: Node) -> Iterator[Problem]:
    """No two have the same id."""
    yield from repeated(document.at("slaProperties").items, "id", ("slaProperties",))


def units_fit(document: Node) -> Iterator[Problem]:
    """The unit is one of what is measured."""
    for where, level in _levels(document):
        unit, units = level.at("unit"), _UNITS[level.at("property").text]
        if unit.text not in units:
            text = f"{level.at('property').text} is in {' or '.join(units)}, not {unit.text}"
            yield Problem(unit.line, (*where, "unit"), text)


def elements_are_known(document: Node) -> Iterator[Problem]:
    """The element is there, and such that the property can be measured of it."""
    for where, level in _levels(document):
        element, measured = level.at("element"), level.at("property").text
        kind, _, name = element.text.partition(".")
        known = _known(document)[kind]
        if kind not in _ELEMENTS[measured]:
            wrong = Problem(element.line, (*where, "element"), f"{measured} is of {_kinds(measured)}, not of {kind}")
        elif name not in known:
            right = tuple(f"{kind}.{each}" for each in known)
            text = f"{quoted(element.text)} is not in this contract"
            wrong = Problem(element.line, (*where, "element"), text, element.text, right)
        else:
            wrong = Problem(element.line, (*where, "element"), _unmeasurable(document, measured, kind, name))
        if wrong.text:
            yield wrong


def _kinds(measured: str) -> str:
    return " or ".join(f"{kind}.*" for kind in _ELEMENTS[measured])


def _known(document: Node) -> Mapping[str, tuple[str, ...]]:
    return {
        "services": tuple(document.at("services").members),
        "feast": tuple(document.at("feast", "feature_views").members),
        "schema": tuple(table.at("name").text for table in document.at("schema").items),
    }


def _unmeasurable(document: Node, measured: str, kind: str, name: str) -> str:
    """Why a property of an element that is there cannot be measured; "" when it can."""
    views = document.at("feast", "feature_views").members
    if measured == "latency":
        offline = kind == "feast" and views[name].at("online").is_false
        return f"{name} is not online (online: false), so nothing reads it quickly" if offline else ""
    candidates = [views[name]] if kind == "feast" else [v for v in views.values() if v.at("source").text == name]
    if any(view.at("source").text and view.at("timestamp_field").text for view in candidates):
        return ""
    if kind == "feast":
        return f"the age of {name} needs its source and timestamp_field; add them to the view"
    return f"the age of {name} needs a feature view with this source and a timestamp_field"


def _levels(document: Node) -> Iterator[tuple[Where, Node]]:
    for index, level in enumerate(document.at("slaProperties").items):
        yield ("slaProperties", f"[{index}]"), level
