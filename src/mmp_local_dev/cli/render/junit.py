"""JUnit's XML, as CI servers read it: suites of cases, which failed, could not be run, or were skipped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

# What XML 1.0 cannot hold, not even escaped.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class Case:
    """One case. `verdict` is `failure`, `error` or `skipped`, or "" when it passed; `text` is the whole story."""

    name: str
    kind: str
    seconds: float = 0.0
    verdict: str = ""
    message: str = ""
    text: str = ""


def document(name: str, suites: Mapping[str, Sequence[Case]], *, began: str, properties: Mapping[str, str]) -> str:
    """The whole file: a suite for each entry of `suites`, each with all `properties`; `began` is in ISO 8601."""
    root = ElementTree.Element("testsuites", _totals(name, [case for cases in suites.values() for case in cases]))
    for suite, cases in suites.items():
        _add_suite(root, suite, cases, began, properties)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(
    root: ElementTree.Element, name: str, cases: Sequence[Case], began: str, properties: Mapping[str, str]
) -> None:
    facts = {"timestamp": began[:19], "hostname": "localhost"}  # mandatory; the form knows no time zone
    suite = ElementTree.SubElement(root, "testsuite", {**_totals(name, cases), **facts})
    told = ElementTree.SubElement(suite, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(told, "property", name=key, value=_possible(value))
    for case in cases:
        _add_case(suite, case)


def _add_case(suite: ElementTree.Element, case: Case) -> None:
    element = ElementTree.SubElement(
        suite, "testcase", name=_possible(case.name), classname=_possible(case.kind), time=f"{case.seconds:.4f}"
    )
    if case.verdict:
        about = {"message": _possible(case.message), "type": case.verdict}
        told = ElementTree.SubElement(element, case.verdict, about)
    elif case.text:
        told = ElementTree.SubElement(element, "system-out")
    else:
        return
    told.text = _possible(case.text)


def _totals(name: str, cases: Sequence[Case]) -> dict[str, str]:
    counts = {each: str(sum(case.verdict == verdict for case in cases)) for each, verdict in _COUNTED.items()}
    seconds = sum(case.seconds for case in cases)
    return {"name": _possible(name), "tests": str(len(cases)), **counts, "time": f"{seconds:.4f}"}


def _possible(text: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", text)
