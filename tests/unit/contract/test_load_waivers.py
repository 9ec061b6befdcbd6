"""The waivers file: what it becomes, and what is said of one that is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mmp_local_dev.contract.load.waivers import load_waivers
from mmp_local_dev.contract.waivers import Waiver, Waivers
from mmp_local_dev.errors import ContractInvalid

TODAY = date(2026, 6, 30)
HEAD = "apiVersion: mmp.dev/v2\nkind: ContractWaivers\n"
WHOLE = (
    HEAD
    + """severities: {column-length-widened: none, env-default-changed: WARN}
x-owner: platform
waivers:
  - {id: "service.version[redis]", reason: "why", expires: "2026-12-31"}
  - {id: "env-removed[REDIS_URL]", reason: "agreed", expires: "2026-06-30"}
  - {id: 0a1b2c3d4e5f, reason: "agreed", expires: "2026-06-29"}
"""
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "contract-waivers.yml"


def test_no_file_is_no_waivers(file: Path) -> None:
    assert load_waivers(file, TODAY) == Waivers(today=TODAY)


def test_what_it_says(file: Path) -> None:
    file.write_text(WHOLE, encoding="utf-8")
    waivers = load_waivers(file, TODAY)
    assert waivers.today == TODAY
    assert waivers.severities == {"column-length-widened": "NONE", "env-default-changed": "WARN"}
    assert list(waivers.waivers.values()) == [
        Waiver("service.version[redis]", "why", date(2026, 12, 31), 6),
        Waiver("env-removed[REDIS_URL]", "agreed", date(2026, 6, 30), 7),
        Waiver("0a1b2c3d4e5f", "agreed", date(2026, 6, 29), 8),
    ]


def test_a_waiver_is_in_force_on_its_last_day(file: Path) -> None:
    file.write_text(WHOLE, encoding="utf-8")
    waivers = load_waivers(file, TODAY)
    assert waivers.in_force("env-removed[REDIS_URL]")
    assert waivers.expired("unknown", "0a1b2c3d4e5f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: ContractWaivers\n", 'contract-waivers.yml:1: "apiVersion" is missing'),
        (f"{HEAD}waiver: []\n", ':3: unknown key "waiver"; did you mean "waivers"?'),
        (f"{HEAD}waivers: []\n", ":3: waivers: is empty"),
        (f"{HEAD}severities: {{env-removed: fatal}}\n", ':3: severities.env-removed: "fatal" is not one of ERR, WARN'),
        (f"{HEAD}severities: {{env-remove: none}}\n", 'no rule "env-remove"; did you mean "env-removed"?'),
        (
            f'{HEAD}waivers:\n  - {{id: "env-gone[A]", reason: r, expires: "2026-01-01"}}\n',
            "waivers[0].id: there is no",
        ),
        (f'{HEAD}waivers:\n  - {{id: redis, reason: r, expires: "2026-01-01"}}\n', '"redis" is not the id of a clause'),
        (f'{HEAD}waivers:\n  - {{id: "a.b[c]", reason: "", expires: "2026-01-01"}}\n', "reason: is empty"),
        (f'{HEAD}waivers:\n  - {{id: "a.b[c]", reason: r, expires: "2026-13-01"}}\n', "expires: "),
        (f'{HEAD}waivers:\n  - {{id: "a.b[c]", reason: r, expires: 2026-01-01}}\n', 'write "2026-01-01"'),
        (f'{HEAD}waivers:\n  - {{id: "a.b[c]", reason: r}}\n', '"expires" is missing'),
        ("apiVersion: mmp.dev/v3\nkind: ContractWaivers\n", "upgrade it"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_nearest_word(file: Path, text: str, said: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContractInvalid) as caught:
        load_waivers(file, TODAY)
    assert said in caught.value.message


def test_one_thing_is_waived_once(file: Path) -> None:
    waiver = '  - {id: "a.b[c]", reason: r, expires: "2026-01-01"}\n'
    file.write_text(f"{HEAD}waivers:\n{waiver}{waiver}", encoding="utf-8")
    with pytest.raises(ContractInvalid, match=r":5: .*is waived in line 4 already"):
        load_waivers(file, TODAY)
