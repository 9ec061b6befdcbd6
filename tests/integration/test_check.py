"""`mmp-dev check` on a stack that loses a service and gets it back, and what it writes meanwhile."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

import psutil
import pytest

from conftest import Dev
from mmp_local_dev.files import write_atomically

pytestmark = pytest.mark.needs("native")

CONTRACT = "dev-contract.yml"
REDIS = ("--only", "service.ready[redis]", "--timeout", "3")


@contextmanager
def frozen(running: Dev, service: str) -> Iterator[None]:
    """A context in which the service's processes stand still: it does not answer, and nobody restarts it."""
    main = psutil.Process(running.pids()[service])
    family = [main, *main.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            process.resume()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def next_event(process: subprocess.Popen[str]) -> dict[str, object]:
    """The next that a watch tells in JSON."""
    event: dict[str, object] = json.loads(next_line(process))
    return event


def interrupt(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    return process.returncode


def test_a_part_of_the_contract_is_checked_with_what_it_hangs_on(running: Dev) -> None:
    report = running.json("check", "--only", "service.version[redis]")["data"]
    clauses = [each["clause"] for each in report["findings"]]
    assert clauses[-2:] == ["service.ready[redis]", "service.version[redis]"]
    assert set(clauses[:-2]) < set(running.outcomes())
    assert report["selected"] == ["service.version[redis]"]
    sections = running.json("check", "--group", "mlflow", "--group", "env")["data"]["findings"]
    assert {each["section"] for each in sections} == {"env", "services", "mlflow"}


@pytest.mark.parametrize("arguments", [["--only", "no.such[clause]"], ["--group", "nothing"]], ids=" ".join)
def test_a_part_that_there_is_not_is_unusable_input(arguments: list[str], running: Dev) -> None:
    assert running.json("check", *arguments, code=2)["error"]["code"] == "INPUT_INVALID"


def test_it_waits_until_a_service_is_back(running: Dev) -> None:
    with frozen(running, "redis"):
        waiting = running.begin("check", *REDIS, "--retry-for", "2m")
        assert next_line(waiting).startswith("Waiting for service.ready[redis], at most ")
    said, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, said
    assert " is kept in what was asked for (service.ready[redis]): " in said


def test_it_waits_no_longer_than_told(running: Dev) -> None:
    with frozen(running, "redis"):
        assert "✗ service.ready[redis]" in running("check", *REDIS, "--retry-for", "5s", code=1).stdout


def test_a_watch_tells_each_change_until_it_is_interrupted(running: Dev) -> None:
    watch = running.begin("check", "--watch", "--interval", "0.2s", *REDIS, "--json")
    try:
        assert next_event(watch)["event"] == "report"
        with frozen(running, "redis"):
            change = next_event(watch)
        assert (change["clause"], change["before"], change["after"]) == ("service.ready[redis]", "passed", "failed")
    finally:
        code = interrupt(watch)
    assert code == 130


def test_a_watch_sees_an_edited_contract_and_environment(running: Dev) -> None:
    contract, env = running.root / CONTRACT, running.root / ".env"
    before, variables = contract.read_text(encoding="utf-8"), env.read_text(encoding="utf-8")
    watch = running.begin("check", "--watch", "--interval", "0.2s", "--group", "env")
    try:
        assert " is kept in what was asked for (env): " in next_line(watch)
        assert "Watching" in next_line(watch)
        write_atomically(contract, "version: [")
        assert " ? the contract cannot be checked: dev-contract.yml:" in next_line(watch)
        write_atomically(contract, before)
        assert " ✓ the contract can be checked again" in next_line(watch)
        write_atomically(env, re.sub("^REDIS_PORT=.*\n", "", variables, flags=re.MULTILINE), mode=0o600)
        assert " ✗ env.present[REDIS_PORT]  was passed, is failed: REDIS_PORT is not " in next_line(watch)
    finally:
        write_atomically(contract, before)
        write_atomically(env, variables, mode=0o600)
        code = interrupt(watch)
    assert code == 130


def test_every_report_of_one_run_says_the_same_and_none_has_a_secret(running: Dev) -> None:
    files = ("--junit", "reports/junit.xml", "--html", "reports/page.html")
    with frozen(running, "redis"):
        report = running.json("check", *files, "--timeout", "5", code=1)["data"]
        text = running("check", "--format", "github", "--verbose", "--timeout", "5", code=1).stdout
    outcomes = [each["outcome"] for each in report["findings"]]
    junit, page = ((running.root / "reports" / name).read_text(encoding="utf-8") for name in ("junit.xml", "page.html"))
    suites = ElementTree.fromstring(junit.encode("utf-8"))  # noqa: S314 -- ours
    assert suites.attrib["tests"] == str(len(outcomes))
    assert suites.attrib["failures"] == str(outcomes.count("failed")) == "1"
    assert suites.attrib["skipped"] == str(outcomes.count("blocked") + outcomes.count("skipped"))
    assert page.count('<tr role="row" class="blocked">') == outcomes.count("blocked") > 0
    assert "17." in page  # PostgreSQL's version, as it was seen
    assert text.startswith("::error file=dev-contract.yml,line=")
    for each in (junit, page, text):
        assert running.env()["POSTGRES_PASSWORD"] not in each
