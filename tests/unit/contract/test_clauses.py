"""The live clauses that need no server: variables, fixed ports, client libraries; and what all share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.contract.clauses import servers, variables
from mmp_local_dev.contract.clauses.asking import Once
from mmp_local_dev.contract.model import Contract, ContractService, Severity, Variable, VariableType
from mmp_local_dev.contract.report import Finding
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.environment import Environment

HERE = Path("dev-contract.yml")


def findings_of(contract: Contract, env: Environment, *clauses: Any) -> dict[str, Finding]:
    return {finding.clause: finding for finding in verify(contract, env, clauses).findings}


def of_variable(value: str | None, **promised: Any) -> tuple[Finding, Finding]:
    """What becomes of the two clauses of a variable that has this value."""
    contract = Contract(HERE, "c", "1.0.0", "mmp.dev/v2", {"X": Variable("X", VariableType.STRING, **promised)}, {})
    env = Environment({} if value is None else {"X": value}, {"X"} if promised.get("sensitive") else ())
    found = findings_of(contract, env, *variables.clauses(contract))
    return found["env.present[X]"], found["env.type[X]"]


class TestVariables:
    @pytest.mark.parametrize(
        ("value", "promised", "expected"),
        [
            ("b", {"default": "a", "const": True}, "'a'"),
            ("c", {"enum": ("a", "b")}, "one of a, b"),
            ("1234567", {"min_length": 8}, "string, at least 8 characters"),
            ("two\nlines", {}, "string"),
        ],
    )
    def test_a_value_that_is_not_promised(self, value: str, promised: dict[str, Any], expected: str) -> None:
        present, kept = of_variable(value, **promised)
        assert (str(present.outcome), str(kept.outcome)) == ("passed", "failed")
        assert (kept.expected, kept.actual) == (expected, value)

    @pytest.mark.parametrize(
        ("value", "promised"),
        [("a", {"default": "a", "const": True}), ("b", {"enum": ("a", "b")}), ("12345678", {"min_length": 8})],
    )
    def test_a_value_that_is(self, value: str, promised: dict[str, Any]) -> None:
        assert [str(finding.outcome) for finding in of_variable(value, **promised)] == ["passed", "passed"]

    def test_a_short_secret_is_not_shown(self) -> None:
        _, kept = of_variable("hunter2", min_length=8, sensitive=True)
        assert "hunter2" not in f"{kept.message} {kept.actual}"

    def test_whoever_sets_it_is_who_repairs_it(self) -> None:
        provided, _ = of_variable(None)
        accepted, _ = of_variable(None, accepted=True)
        assert provided.repairs[0].command == "mmp-dev up"
        assert (accepted.repairs[0].command, str(accepted.outcome)) == ("", "failed")

    def test_what_is_only_a_warning(self) -> None:
        present, kept = of_variable(None, severity=Severity.WARNING)
        assert (str(present.outcome), str(kept.outcome)) == ("warning", "skipped")


def of_redis(env: dict[str, str], **promised: Any) -> dict[str, Finding]:
    """What becomes of a Redis that does not run."""
    contract = Contract(
        HERE,
        "c",
        "1.0.0",
        "mmp.dev/v2",
        {},
        {"redis": ContractService("redis", "redis", "", 6379, **promised)},
    )
    return findings_of(contract, Environment(env), *servers.clauses(contract))


class TestServers:
    def test_another_port_than_the_fixed_one_is_told_before_nothing_answers_there(self) -> None:
        found = of_redis({"REDIS_HOST": "localhost", "REDIS_PORT": "1"}, port_policy="fixed")
        port, ready = found["service.port[redis]"], found["service.ready[redis]"]
        assert (str(port.outcome), port.expected, port.actual) == ("failed", "6379", "1")
        assert (str(ready.outcome), ready.cause) == ("blocked", port.clause)

    @pytest.mark.parametrize(
        ("package", "versions", "outcome"),
        [
            ("PyTest", ">=1", "passed"),
            ("pytest", "<1", "failed"),
            ("no-such-library", ">=1", "skipped"),
            ("psycopg", ">=3", "passed"),
        ],
    )
    def test_the_client_library_of_this_python(self, package: str, versions: str, outcome: str) -> None:
        found = of_redis({}, clients={package: versions})[f"service.client[redis:{package}]"]
        assert str(found.outcome) == outcome
        assert outcome == "skipped" or found.actual == metadata.version(package)


class TestOnce:
    def test_it_reads_once_for_all_who_ask(self) -> None:
        asked: list[float] = []
        together = threading.Barrier(4, timeout=30)
        once = Once(lambda _env, timeout: asked.append(timeout) or len(asked))  # type: ignore[func-returns-value]

        def ask(_number: int) -> int:
            together.wait()
            return once(Environment({}), 3)

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(ask, range(4))) == [1, 1, 1, 1]
        assert asked == [3]

    def test_its_error_is_everybodys(self) -> None:
        asked: list[float] = []

        def read(_env: Environment, timeout: float) -> None:
            asked.append(timeout)
            raise OSError("gone")

        once = Once(read)
        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                once(Environment({}), 1)
        assert asked == [1]
