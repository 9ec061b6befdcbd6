"""Loading of waivers: where every field arrives, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mmp_local_dev.contract.load.waivers import load_waivers
from mmp_local_dev.contract.waivers import Waiver
from mmp_local_dev.errors import ContractInvalid

TODAY = date(2026, 6, 1)
HEAD = "apiVersion: mmp.dev/v2\nkind: ContractWaivers\n"
WAIVER = '{id: "service.version[redis]", reason: soon mended, expires: "2026-12-31"}'


def written(folder: Path, text: str) -> Path:
    path = folder / "contract-waivers.yml"
    path.write_text(HEAD + text)
    return path


def test_every_field_arrives(tmp_path: Path) -> None:
    text = f"severities: {{column-length-widened: none}}\nwaivers:\n  - {WAIVER}\n"
    waivers = load_waivers(written(tmp_path, text), today=TODAY)
    waiver = Waiver("service.version[redis]", "soon mended", date(2026, 12, 31), line=5)
    assert waivers.waivers == {"service.version[redis]": waiver}
    assert (waivers.severities, waivers.today) == ({"column-length-widened": "none"}, TODAY)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            f"waivers: [{WAIVER}, {WAIVER}]\n",
            "yml:3: waivers: service.version[redis] is waived in line 3 already",
        ),
        ('waivers: [{id: a, reason: b, expires: "2026-02-30"}]\n', "is not in the calendar"),
        ("waivers: [{id: a, expires: never}]\n", '"reason" is missing'),
        ("wavers: []\n", 'did you mean "waivers"?'),
        ("kind: ContractWaivers\n", "duplicate key"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ContractInvalid) as refused:
        load_waivers(written(tmp_path, text), today=TODAY)
    assert problem in refused.value.message


def test_a_newer_form_is_refused_with_the_upgrade(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    path.write_text(path.read_text().replace("v2", "v3"))
    with pytest.raises(ContractInvalid, match="upgrade") as refused:
        load_waivers(path, today=TODAY)
    assert refused.value.repairs
