"""`contract verify-consumers`, `can-i-upgrade` and `infer`: exit codes, what is printed, and the JSON envelope."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.cli import main
from own import of_version

HEAD = "apiVersion: mmp.dev/v2\nkind: ContractRequirements\nmetadata: {name: pipeline, version: '2.0'}\n"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with one consumer that is served, in which the command line is called."""
    monkeypatch.delenv("MMP_DEV_WORKSPACE", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "dev-contract.yml").write_text(of_version("1.1.0"), encoding="utf-8")
    (tmp_path / "consumers").mkdir()
    needs(tmp_path, 'services: {redis: ">=7,<10"}\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def called(*arguments: str) -> tuple[int, str, str]:
        code = main.run(["contract", *arguments])
        return (code, *capsys.readouterr())

    return called


def needs(folder: Path, text: str) -> None:
    (folder / "consumers" / "pipeline.req.yml").write_text(HEAD + text, encoding="utf-8")


def envelope(answer: tuple[int, str, str]) -> dict[str, Any]:
    _, out, err = answer
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


# verify-consumers


def test_a_consumer_that_is_served(call: Call, folder: Path) -> None:
    assert call("verify-consumers") == (
        0,
        "✓ yes     pipeline 2.0\nContract mmp-local-dev 1.1.0: 1 yes.\n",
        f"Results: {folder}/contract.lock.json\n",
    )
    assert call("verify-consumers")[2] == ""


def test_a_consumer_that_is_not(call: Call, folder: Path) -> None:
    needs(folder, 'services:\n  redis: ">=8"\n  kafka: ">=3"\n')
    code, out, _ = call("verify-consumers", "consumers/pipeline.req.yml")
    assert code == 0
    assert out == (
        "✗ no      pipeline 2.0  pending: these requirements have never passed\n"
        "  ✗ service.version[redis]\n"
        "      redis may run in versions that the consumer does not tolerate\n"
        "      needed: >=8; promised: >=7.2,<9\n"
        "      needed at pipeline.req.yml:5\n"
        "      -> test the consumer with these versions and widen its range there\n"
        "  ✗ service.ready[kafka]\n"
        "      the service kafka is not promised\n"
        "      needed: kafka; promised: no such promise\n"
        "      needed at pipeline.req.yml:6\n"
        "      -> ask the provider for it, or take it out there if the consumer does not need it\n"
        "  and 1 more that wait for these\n"
        "Contract mmp-local-dev 1.1.0: 1 no, 1 of them pending.\n"
    )
    assert call("verify-consumers", "--no-pending")[0] == 1


def test_verdicts_as_json(call: Call, folder: Path) -> None:
    needs(folder, 'services: {redis: ">=8"}\n')
    found = envelope(call("verify-consumers", "--json", "--no-pending", "--no-update"))
    assert (found["command"], found["status"]) == ("contract verify-consumers", "error")
    data = found["data"]
    assert {key: data[key] for key in ("contract", "version", "written", "lock")} == {
        "contract": "mmp-local-dev",
        "version": "1.1.0",
        "written": False,
        "lock": f"{folder}/contract.lock.json",
    }
    (verdict,) = data["verdicts"]
    assert data["fatal"] == [verdict["file"]]
    assert (verdict["consumer"], verdict["answer"], verdict["pending"]) == ("pipeline", "no", True)
    assert [finding["clause"] for finding in verdict["report"]["findings"] if finding["outcome"] == "failed"] == [
        "service.version[redis]"
    ]


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("--allow-empty",), 0)])
def test_nothing_to_verify(call: Call, folder: Path, arguments: tuple[str, ...], code: int) -> None:
    (folder / "consumers" / "pipeline.req.yml").unlink()
    answer = call("verify-consumers", "consumers/*.req.yml", *arguments)
    assert answer[0] == code
    assert ("Nothing to verify" in answer[2]) is bool(code)


def test_another_contract_and_lock(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir("/")
    contract, lock = str(folder / "dev-contract.yml"), elsewhere / "results.json"
    arguments = ("--contract", contract, "--lock", str(lock), str(folder / "consumers"))
    assert call("verify-consumers", *arguments)[0] == 0
    assert json.loads(lock.read_text("utf-8"))["consumers"][0]["file"] == "../consumers/pipeline.req.yml"


def test_outside_of_a_workspace(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert call("verify-consumers")[0] == 2


# can-i-upgrade


def test_yes(call: Call) -> None:
    call("verify-consumers")
    code, out, _ = call("can-i-upgrade", "--consumer", "pipeline", "--to", "dev-contract.yml")
    assert (code, out) == (0, "✓ yes     pipeline to contract 1.1.0: compared with contract 1.1.0\n")


def test_no(call: Call, folder: Path) -> None:
    needs(folder, 'services: {redis: ">=8"}\n')
    call("verify-consumers")
    arguments = ("can-i-upgrade", "--consumer", "pipeline", "--to", "1.1.0")
    assert call(*arguments) == (
        1,
        "  ✗ service.version[redis]\n✗ no      pipeline to contract 1.1.0: recorded for contract 1.1.0\n",
        "",
    )
    assert call(*arguments, "--dry-run")[0] == 0
    assert call(*arguments, "--ignore", "service.*")[0] == 0


def test_unknown(call: Call) -> None:
    call("verify-consumers")
    code, out, err = call("can-i-upgrade", "--consumer", "pipeline", "--to", "3.0.0")
    assert code == 3
    assert out == "? unknown pipeline to contract 3.0.0: no result of pipeline with contract 3.0.0 is recorded\n"
    assert "-> mmp-dev contract verify-consumers" in err


def test_the_answer_as_json(call: Call, folder: Path) -> None:
    needs(folder, 'services: {redis: ">=8"}\n')
    file = "consumers/pipeline.req.yml"
    found = envelope(call("can-i-upgrade", "--consumer", file, "--to", "dev-contract.yml", "--json"))
    assert found["status"] == "error"
    data = found["data"]
    assert (data["answer"], data["version"], data["because"]) == ("no", "1.1.0", ["service.version[redis]"])
    assert data["reports"][0]["mode"] == "compare"


def test_a_consumer_that_nobody_knows(call: Call) -> None:
    code, _, err = call("can-i-upgrade", "--consumer", "nobody", "--to", "1.1.0")
    assert code == 2
    assert "No consumer nobody" in err


# infer


def test_a_draft_is_printed(call: Call, folder: Path) -> None:
    (folder / "train.py").write_text('import os\nos.environ["REDIS_HOST"]\n', encoding="utf-8")
    (folder / "broken.py").write_text("def", encoding="utf-8")
    code, out, err = call("infer", ".")
    assert code == 0
    assert out.startswith("# DRAFT")
    assert "  - REDIS_HOST  # train.py:2\n" in out
    assert "broken.py was left out" in err


def test_a_draft_is_written_once(call: Call, folder: Path) -> None:
    (folder / "train.py").write_text('import os\nos.environ["REDIS_HOST"]\n', encoding="utf-8")
    arguments = ("infer", "train.py", "--output", "new.req.yml", "--contract", "dev-contract.yml")
    assert call(*arguments)[:2] == (0, "")
    assert call("verify-consumers", "new.req.yml")[0] == 0
    assert call(*arguments)[0] == 2


def test_a_draft_as_json(call: Call, folder: Path) -> None:
    (folder / "broken.py").write_text("def", encoding="utf-8")
    (folder / "train.py").write_text('import os\nos.environ["REDIS_HOST"]\n', encoding="utf-8")
    found = envelope(call("infer", ".", "--json"))
    assert found["status"] == "ok"
    assert (found["data"]["file"], found["data"]["read"]) == ("", 3)
    assert len(found["warnings"]) == 1


def test_nothing_to_infer_from(call: Call, folder: Path) -> None:
    (folder / "empty").mkdir()
    assert call("infer", "empty")[0] == 2
    assert call("infer", "absent")[0] == 2
