"""The plugin inside of pytest: what it collects, what becomes of each outcome, and how it is set. No servers run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml  # noqa: F401

# Each inner run forgets the modules that it has loaded itself; yaml's compiled half cannot be loaded twice.
import mmp_local_dev.contract.needs
import mmp_local_dev.operations.sandbox  # noqa: F401

PLUGIN = ("-p", "mmp_local_dev.pytest_plugin")
UP = "mmp-dev up"

REQUIREMENTS = """
apiVersion: mmp.dev/v2
kind: ContractRequirements
metadata: {name: sample}
env: [TEAM, {name: PORT, type: port}, {name: REGION, required: false}]
services: {redis: ">=7"}
groups: {places: [env], cache: [redis]}
"""
CONTRACT = """
version: "1.2.0"
provides_env_variables: [TEAM]
provides_services: [{name: redis, port: 6379}]
verification_script: verify.py
apiVersion: mmp.dev/v2
kind: DevContract
metadata: {name: provider, status: active, owner: us}
env:
  TEAM: {type: string}
  TOKEN: {type: string, sensitive: true, required: false}
  REGION: {type: string, required: false, enum: [eu, us]}
services:
  redis:
    protocol: redis
    version: ">=7"
    port_policy: env
    endpoints: {host: "localhost:6379"}
    auth: {method: none, tls: none}
"""
IDS = [
    *("environment.reachable[sample]", "env.present[TEAM]", "env.type[TEAM]", "env.present[PORT]", "env.type[PORT]"),
    *("env.present[REGION]", "env.type[REGION]"),
]
DOWN_ITEM = ("-k", "reachable")
DOWN = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "1"}


class Consumer:
    """A project of a consumer, whose pytest runs with these variables only."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        for name in ("MMP_REQUIRE_ENV", "MMP_STACK_ID", "POSTGRES_HOST", "REDIS_HOST", "MLFLOW_TRACKING_URI"):
            monkeypatch.delenv(name, raising=False)
        self.root = pytester.path
        self.write("needs.req.yml", REQUIREMENTS)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        return path

    def set(self, **values: str) -> None:
        for name, value in values.items():
            self._monkeypatch.setenv(name, value)

    def run(self, *arguments: str) -> pytest.RunResult:
        return self._pytester.runpytest_inprocess("-p", "no:cacheprovider", *PLUGIN, *arguments)

    def collected(self, *arguments: str) -> list[str]:
        lines = self.run("--collect-only", "-q", *arguments).outlines
        return [line.partition("::")[2] for line in lines if "::" in line]


@pytest.fixture
def consumer(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    return Consumer(pytester, monkeypatch)


@pytest.fixture
def port() -> Iterator[int]:
    """Something listens there, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    found = result.parseoutcomes()
    return {name: count for name, count in found.items() if name != "warnings"}


class TestCollection:
    def test_one_clause_is_one_item_and_the_environment_comes_first(self, consumer: Consumer) -> None:
        assert consumer.collected()[: len(IDS)] == IDS
        assert "service.ready[redis]" in consumer.collected()

    def test_it_opens_neither_the_network_nor_the_environment(
        self, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        consumer.write("provider/dev-contract.yml", CONTRACT)
        consumer.write("provider/.env", "this is no assignment\n")

        def refuse(*_: object) -> None:
            raise AssertionError("the network was used")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket.socket, "connect_ex", refuse)
        result = consumer.run("--collect-only", "-q", "--mmp-contract", "provider")
        assert result.ret == 0
        assert "provider/dev-contract.yml::env.present[TEAM]" in result.outlines

    def test_without_any_of_our_files_it_does_nothing(self, consumer: Consumer) -> None:
        (consumer.root / "needs.req.yml").unlink()
        consumer.write("test_own.py", "def test_own():\n    pass\n")
        consumer.write("dev-contract.yml", CONTRACT)
        result = consumer.run()
        assert outcomes(result) == {"passed": 1}
        assert "mmp:" not in result.stdout.str()

    def test_an_invalid_file_is_an_error_that_names_its_line(self, consumer: Consumer) -> None:
        consumer.write("needs.req.yml", REQUIREMENTS.replace("PORT, type: port", "PORT, type: prot"))
        result = consumer.run()
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines(["needs.req.yml:5: *prot*did you mean*port*"])
        result.stdout.no_fnmatch_line("*Traceback*")

    @pytest.mark.parametrize("option", [("--mmp-groups", "nobody"), ("--mmp-only", "service.readi")])
    def test_a_selection_of_nothing_is_an_error(self, consumer: Consumer, option: tuple[str, str]) -> None:
        result = consumer.run(*option)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines([f"*{option[1]}*"])

    def test_a_contract_named_on_the_command_line_is_collected_whole(self, consumer: Consumer) -> None:
        path = consumer.write("provider/dev-contract.yml", CONTRACT)
        for arguments in (
            [str(path)],
            ["--mmp-contract", "provider", "provider"],
            [f"--mmp-contract={path}", "provider"],
        ):
            found = consumer.collected(*arguments)
            assert found[:3] == ["environment.reachable[provider]", "env.present[TEAM]", "env.type[TEAM]"]
            assert len(found) == len(set(found))

    def test_the_range_of_contracts_is_checked_where_the_contract_is_known(self, consumer: Consumer) -> None:
        consumer.write("needs.req.yml", REQUIREMENTS.replace("env:", 'contract: ">=2"\nenv:', 1))
        consumer.write("provider/dev-contract.yml", CONTRACT)
        clause = "contract.range[sample]"
        assert clause not in consumer.collected()
        assert clause in consumer.collected("-o", "mmp_contract=provider")
        consumer.set(TEAM="a")
        result = consumer.run("-o", "mmp_contract=provider", f"needs.req.yml::{clause}")
        result.stdout.fnmatch_lines(["contract 1.2.0 is not one that the consumer works with"])

    def test_a_contract_of_a_newer_form_is_taken_for_what_is_known_of_it(self, consumer: Consumer) -> None:
        newer = CONTRACT.replace("mmp.dev/v2", "mmp.dev/v9") + "moons: [io]\n"
        consumer.write("provider/dev-contract.yml", newer)
        consumer.set(TEAM="a")
        result = consumer.run("-o", "mmp_contract=provider", "needs.req.yml::env.present[TEAM]")
        assert outcomes(result) == {"passed": 1}
        result.stdout.fnmatch_lines(["*ContractWarning: dev-contract.yml:*mmp.dev/v9*"])

    def test_a_repair_leads_to_the_providers_workspace(self, consumer: Consumer) -> None:
        consumer.write("a provider/dev-contract.yml", CONTRACT)
        result = consumer.run("-o", "mmp_contract=a provider", *DOWN_ITEM)
        result.stdout.fnmatch_lines(["  repair:   cd 'a provider' && mmp-dev up  # *"])

    def test_only_and_groups_select_with_what_they_hang_on(self, consumer: Consumer) -> None:
        assert consumer.collected("--mmp-only", "env.type[TEAM]") == ["env.present[TEAM]", "env.type[TEAM]"]
        assert set(consumer.collected("--mmp-groups", "places")) == set(IDS[1:])
        assert "service.ready[redis]" in consumer.collected("--mmp-groups=places,cache")

    def test_a_file_that_asks_for_nothing_is_an_error(self, consumer: Consumer) -> None:
        consumer.write(
            "needs.req.yml",
            'apiVersion: mmp.dev/v2\nkind: ContractRequirements\nmetadata: {name: a}\ncontract: ">=1"\n',
        )
        result = consumer.run()
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines(["needs.req.yml has no clauses*"])


class TestOutcomes:
    def test_a_failure_says_what_where_and_how_to_repair_it(self, consumer: Consumer) -> None:
        consumer.set(TEAM="a", PORT="http", **DOWN)
        result = consumer.run("--mmp-groups", "places")
        result.stdout.fnmatch_lines(
            [
                "*clause env.type[[]PORT[]]*",
                "PORT: *",
                "  expected: port",
                "  actual:   http",
                "  declared: needs.req.yml:5",
                "  repair:   mmp-dev up  # *",
            ]
        )
        assert "Traceback" not in result.stdout.str()

    def test_what_hangs_on_a_failure_is_skipped_as_blocked(self, consumer: Consumer) -> None:
        consumer.set(PORT="1")
        result = consumer.run("-rs", "needs.req.yml::env.type[TEAM]")
        assert outcomes(result) == {"skipped": 1}
        result.stdout.fnmatch_lines(["SKIPPED*needs.req.yml:5: blocked: env.present[[]TEAM[]]"])

    def test_what_is_optional_and_absent_is_skipped(self, consumer: Consumer) -> None:
        consumer.set(TEAM="a")
        result = consumer.run("-rs", "needs.req.yml::env.present[REGION]")
        result.stdout.fnmatch_lines(["SKIPPED*: optional, not set"])

    def test_what_could_not_be_found_out_fails_and_says_so(self, consumer: Consumer, port: int) -> None:
        consumer.set(TEAM="a", PORT="1", REDIS_HOST="127.0.0.1", REDIS_PORT=str(port))
        consumer.write("needs.req.yml", REQUIREMENTS.replace("redis:", "oracle:").replace("[redis]", "[oracle]"))
        result = consumer.run("needs.req.yml::service.ready[oracle]")
        assert outcomes(result) == {"failed": 1}
        result.stdout.fnmatch_lines(["could not be checked: *"])

    def test_a_secret_is_shown_nowhere(self, consumer: Consumer, port: int) -> None:
        secret = "p0rt-of-call"
        text = REQUIREMENTS.replace("{name: PORT, type: port}", "{name: API_TOKEN, type: port}")
        consumer.write("needs.req.yml", text)
        consumer.set(TEAM="a", API_TOKEN=secret, REDIS_HOST="127.0.0.1", REDIS_PORT=str(port))
        result = consumer.run("-vv", "-rA", "--mmp-timeout=1", "--junitxml=results.xml")
        assert "env.type[API_TOKEN]" in result.stdout.str()
        assert outcomes(result)["failed"] >= 1
        assert secret not in result.stdout.str() + (consumer.root / "results.xml").read_text()

    def test_a_warning_passes_and_is_shown_and_can_be_made_to_fail(self, consumer: Consumer) -> None:
        path = consumer.write(
            "dev-contract.yml", CONTRACT.replace("{type: string}\n", "{type: string, severity: warning}\n")
        )
        consumer.set(REGION="eu")
        result = consumer.run(f"{path}::env.present[TEAM]")
        assert outcomes(result) == {"passed": 1}
        result.stdout.fnmatch_lines(["*dev-contract.yml:10: ContractWarning: env.present[[]TEAM[]]: TEAM is not*"])
        strict = consumer.run("-W", "error::mmp_local_dev.ContractWarning", f"{path}::env.present[TEAM]")
        assert outcomes(strict) == {"failed": 1}
        strict.stdout.fnmatch_lines(["env.present[[]TEAM[]]: TEAM is not in the environment", "  repair: *"])

    def test_a_waived_failure_is_expected_and_an_expired_waiver_is_not(self, consumer: Consumer) -> None:
        waivers = """
            apiVersion: mmp.dev/v2
            kind: ContractWaivers
            waivers:
              - {id: "env.present[TEAM]", reason: teams come later, expires: "2999-12-31"}
              - {id: "env.present[PORT]", reason: that was long ago, expires: "2020-01-01"}
        """
        consumer.write("contract-waivers.yml", waivers)
        result = consumer.run("-rxfs", "--mmp-groups", "places", "-o", "xfail_strict=true", "-k", "env")
        result.stdout.fnmatch_lines(["XFAIL needs.req.yml::env.present[[]TEAM[]]*teams come later*"])
        result.stdout.fnmatch_lines(["*its waiver expired on 2020-01-01*"])
        consumer.set(TEAM="a")
        assert outcomes(consumer.run("needs.req.yml::env.present[TEAM]", "-o", "xfail_strict=true")) == {"passed": 1}

    def test_a_broken_file_of_waivers_is_an_error(self, consumer: Consumer) -> None:
        path = consumer.write(
            "later.yml", "apiVersion: mmp.dev/v2\nkind: ContractWaivers\nwaivers: [{id: a, expires: never}]\n"
        )
        result = consumer.run("--mmp-waivers", str(path))
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines(["later.yml:3: *"])

    def test_a_named_file_of_waivers_that_is_not_there_is_an_error(self, consumer: Consumer) -> None:
        result = consumer.run("--mmp-waivers", "absent.yml")
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines(["There is no file *absent.yml*"])

    def test_the_report_for_machines_carries_the_clause(self, consumer: Consumer) -> None:
        consumer.write("dev-contract.yml", CONTRACT)
        consumer.set(REGION="eu")
        consumer.run("--junitxml=results.xml", "-o", "mmp_contract=.")
        results = ElementTree.parse(consumer.root / "results.xml")  # noqa: S314 -- our own
        cases = {case.get("name"): case for case in results.iter("testcase")}
        found = {each.get("name"): each.get("value") for each in cases["env.present[TEAM]"].iter("property")}
        expected = {"mmp.clause": "env.present[TEAM]", "mmp.severity": "error", "mmp.contract_version": "1.2.0"}
        assert found == expected
        assert cases["env.present[TEAM]"].find("failure") is not None
        assert cases["env.type[TEAM]"].find("skipped") is not None


class TestDown:
    def test_it_is_told_once_with_the_command_that_starts_it(self, consumer: Consumer) -> None:
        consumer.set(TEAM="a", PORT="1", **DOWN)
        result = consumer.run("-rs")
        assert outcomes(result)["failed"] == 1
        result.stdout.fnmatch_lines(["Nothing answers: redis at 127.0.0.1:1.", f"*repair: *{UP} *"])
        result.stdout.fnmatch_lines(["SKIPPED*blocked: environment.reachable[[]sample[]]"])
        assert outcomes(result)["passed"] >= 4  # of the environment alone

    def test_it_is_told_once_without_any_environment(self, consumer: Consumer) -> None:
        result = consumer.run("-k", "reachable")
        assert outcomes(result) == {"failed": 1, "deselected": len(consumer.collected()) - 1}
        result.stdout.fnmatch_lines(["The environment names no service: *"])

    def test_it_may_skip_unless_the_environment_is_required(self, consumer: Consumer) -> None:
        consumer.set(TEAM="a", PORT="1", **DOWN)
        result = consumer.run("--mmp-if-down", "skip", "-rs")
        assert "failed" not in outcomes(result)
        result.stdout.fnmatch_lines(["SKIPPED*Nothing answers: redis at *"])
        consumer.set(MMP_REQUIRE_ENV="1")
        assert outcomes(consumer.run("--mmp-if-down=skip"))["failed"] == 1

    def test_something_that_answers_is_an_environment_with_a_broken_service(
        self, consumer: Consumer, port: int
    ) -> None:
        consumer.set(TEAM="a", PORT="1", REDIS_HOST="127.0.0.1", REDIS_PORT=str(port))
        result = consumer.run("-v", "--mmp-timeout", "1")
        result.stdout.fnmatch_lines(["*environment.reachable[[]sample[]] PASSED*", "*service.ready[[]redis[]] FAILED*"])

    def test_fixtures_fail_or_skip_with_the_command(self, consumer: Consumer) -> None:
        consumer.set(**DOWN)
        consumer.write("test_own.py", "def test_own(mmp_env):\n    pass\ndef test_other(mmp_sandbox):\n    pass\n")
        result = consumer.run("test_own.py")
        assert outcomes(result) == {"errors": 2}
        result.stdout.fnmatch_lines(["Nothing answers: redis at 127.0.0.1:1.", f"*repair: *{UP} *"])
        assert "Traceback" not in result.stdout.str()
        assert outcomes(consumer.run("test_own.py", "--mmp-if-down=skip")) == {"skipped": 2}


class TestSettings:
    def test_the_command_line_goes_before_the_ini_file_whose_paths_are_its_own(self, consumer: Consumer) -> None:
        consumer.write("provider/dev-contract.yml", CONTRACT)
        consumer.write("other/dev-contract.yml", CONTRACT.replace("1.2.0", "2.0.0"))
        consumer.write("pytest.ini", "[pytest]\nmmp_contract = provider\nmmp_mode = compare\n")
        consumer.write("below/test_own.py", "def test_own(mmp_contract):\n    assert mmp_contract.version == '1.2.0'\n")
        result = consumer.run("below")
        assert outcomes(result) == {"passed": 1}
        result.stdout.fnmatch_lines(["mmp: contract provider 1.2.0, compare"])
        result = consumer.run("below", "--mmp-contract", "other", "--mmp-mode", "live", "-k", "own")
        result.stdout.fnmatch_lines(["mmp: contract provider 2.0.0, live"])
        assert outcomes(result)["failed"] == 1

    @pytest.mark.parametrize("setting", ["mmp_mode=static", "mmp_if_down=cry", "mmp_timeout=soon"])
    def test_a_value_that_cannot_be_is_a_usage_error(self, consumer: Consumer, setting: str) -> None:
        result = consumer.run("-o", setting)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*{setting.partition('=')[0]} is '{setting.partition('=')[2]}'; it is *"])

    def test_the_source_of_the_contract_can_be_a_fixture(self, consumer: Consumer, port: int) -> None:
        consumer.write("elsewhere/dev-contract.yml", CONTRACT)
        consumer.write("elsewhere/.env", f"TEAM=blue\nTOKEN=s3cret\nREDIS_HOST=127.0.0.1\nREDIS_PORT={port}\n")
        consumer.write(
            "conftest.py",
            "import pathlib, pytest\n@pytest.fixture(scope='session')\ndef mmp_contract_source():\n"
            "    return pathlib.Path('elsewhere')\n",
        )
        consumer.write(
            "test_own.py",
            "def test_own(mmp_contract, mmp_env):\n    assert mmp_contract.name == 'provider'\n"
            "    assert mmp_env['TEAM'] == 'blue'\n"
            "    assert mmp_env['TOKEN'] == 's3cret'\n    assert 's3cret' not in repr(mmp_env)\n",
        )
        assert outcomes(consumer.run("test_own.py")) == {"passed": 1}

    def test_the_file_of_the_environment(self, consumer: Consumer) -> None:
        consumer.set(TEAM="from the process")
        consumer.write("some.env", "PORT=1\n")
        result = consumer.run("--mmp-env-file", "some.env", "--mmp-groups", "places", "-v")
        result.stdout.fnmatch_lines(["*env.present[[]TEAM[]] FAILED*", "*env.present[[]PORT[]] PASSED*"])

    def test_without_a_contract_the_fixture_says_what_to_set(self, consumer: Consumer) -> None:
        consumer.write("test_own.py", "def test_own(mmp_contract):\n    pass\n")
        consumer.run("test_own.py").stdout.fnmatch_lines(["Say where the contract is: --mmp-contract*"])


class TestCompare:
    def test_requirements_are_compared_with_the_promise_and_nothing_is_asked(self, consumer: Consumer) -> None:
        consumer.write("provider/dev-contract.yml", CONTRACT)
        arguments = ("needs.req.yml", "--mmp-mode", "compare", "-o", "mmp_contract=provider", "-v")
        result = consumer.run(*arguments)
        result.stdout.fnmatch_lines(["*env.present[[]TEAM[]] PASSED*", "*env.present[[]PORT[]] FAILED*"])
        assert "environment.reachable" not in result.stdout.str()

    def test_it_needs_a_contract_and_requirements(self, consumer: Consumer) -> None:
        consumer.run("--mmp-mode", "compare").stdout.fnmatch_lines(["To compare, say where*"])
        path = consumer.write("provider/dev-contract.yml", CONTRACT)
        consumer.run("--mmp-mode=compare", str(path)).stdout.fnmatch_lines(["dev-contract.yml is a contract; what*"])


class TestTogetherWithPytest:
    def test_strict_settings_and_warnings_as_errors(self, consumer: Consumer) -> None:
        consumer.write("pytest.ini", "[pytest]\nmmp_timeout = 2\n")
        consumer.set(TEAM="a", PORT="1", **DOWN)
        result = consumer.run(
            "--strict-config", "--strict-markers", "-W", "error", "-k", "env and TEAM or env and PORT"
        )
        assert set(outcomes(result)) == {"passed", "deselected"}

    def test_it_stops_at_the_first_failure(self, consumer: Consumer) -> None:
        assert outcomes(consumer.run("-x")) == {"failed": 1}

    def test_what_failed_last_runs_again(self, consumer: Consumer, pytester: pytest.Pytester) -> None:
        consumer.set(TEAM="a", **DOWN)
        pytester.runpytest_inprocess(*PLUGIN, "--mmp-groups=places")
        again = pytester.runpytest_inprocess(*PLUGIN, "--mmp-groups=places", "--lf")
        assert {name: count for name, count in outcomes(again).items() if name != "deselected"} == {"failed": 1}

    @pytest.mark.parametrize("how", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
    def test_workers_find_the_same(self, consumer: Consumer, how: str) -> None:
        consumer.set(TEAM="a", PORT="http", **DOWN)
        alone = outcomes(consumer.run())
        together = consumer.run("-n", "2", "--dist", how, "-p", "xdist.plugin")
        assert outcomes(together) == alone

    def test_workers_do_not_look_themselves_whether_the_environment_answers(
        self, consumer: Consumer, port: int
    ) -> None:
        """What the controller saw holds: the listener is gone when the workers run."""
        consumer.write("provider/dev-contract.yml", CONTRACT)
        consumer.write("provider/.env", f"TEAM=a\nREDIS_HOST=127.0.0.1\nREDIS_PORT={port}\n")
        consumer.write(
            "conftest.py",
            "import pathlib\ndef pytest_configure(config):\n    if hasattr(config, 'workerinput'):\n"
            "        env = pathlib.Path('provider/.env')\n"
            f"        env.write_text(env.read_text().replace('PORT={port}', 'PORT=1'))\n",
        )
        result = consumer.run(
            "-p", "xdist.plugin", "-n2", "-v", "-o", "mmp_contract=provider", "needs.req.yml", "-k", "reachable"
        )
        assert outcomes(result)["passed"] == 1
