"""action.yml and .pre-commit-hooks.yaml: what they name exists, and the action's steps do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from conftest import REPOSITORY
from mmp_local_dev.cli import main
from own import VERSION

ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
HOOKS: list[dict[str, Any]] = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
SCRIPTS: list[dict[str, Any]] = [step for step in ACTION["runs"]["steps"] if "run" in step]
INSTALL, RUN = SCRIPTS
CONTRACT = "dev-contract.yml"
REQUIREMENTS = """
apiVersion: mmp.dev/v2
kind: ContractRequirements
metadata: {name: pipeline}
services: {postgresql: ">=15"}
"""


def exists(words: list[str]) -> bool:
    found: click.Command | None = main.command
    for word in words:
        found = found.get_command(click.Context(found), word) if isinstance(found, click.Group) else None
    return found is not None


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_is_a_command_for_contracts(hook: dict[str, Any]) -> None:
    program, *words = hook["entry"].split()
    assert program == "mmp-dev"
    assert exists(words)
    assert [
        path for path in (CONTRACT, f"a/{CONTRACT}", f"my-{CONTRACT}", "b.yml") if re.search(hook["files"], path)
    ] == [
        CONTRACT,
        f"a/{CONTRACT}",
    ]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("check-jsonschema", ["--builtin-schema", "vendor.github-actions", "action.yml"]),
        ("pre-commit", ["validate-manifest", ".pre-commit-hooks.yaml"]),
    ],
)
def test_their_own_tools_accept_them(tool: str, arguments: list[str]) -> None:
    argv = [str(Path(sys.executable).with_name(tool)), *arguments]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_input_is_described_and_used() -> None:
    used = set(re.findall(r"inputs\.([a-z-]+)", (REPOSITORY / "action.yml").read_text(encoding="utf-8")))
    assert used == ACTION["inputs"].keys()
    assert all(each["description"] and "default" in each for each in ACTION["inputs"].values())


@pytest.mark.parametrize("step", SCRIPTS, ids=lambda step: str(step["name"]))
def test_a_script_is_sound_and_holds_no_input(step: dict[str, Any]) -> None:
    assert "${{" not in step["run"]
    argv = [str(Path(sys.executable).with_name("shellcheck")), "--shell=bash", "-"]
    done = subprocess.run(argv, input=step["run"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


class Runner:
    """What a GitHub runner does with the steps of a composite action, as far as they are scripts."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.summary = folder / "summary.md"
        self.temp = folder / "temp"
        for each in (self.checkout, self.temp):
            each.mkdir()

    def step(self, step: Mapping[str, Any], **inputs: str) -> subprocess.CompletedProcess[str]:
        given = {name: each["default"] for name, each in ACTION["inputs"].items()}
        given.update({name.replace("_", "-"): value for name, value in inputs.items()})

        def evaluated(text: str) -> str:
            return re.sub(r"\$\{\{ inputs\.([a-z-]+) }}", lambda found: given[found[1]], text)

        script = self.temp / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.checkout / evaluated(step.get("working-directory", ".")),
            env={**self._environment(), **{name: evaluated(text) for name, text in step.get("env", {}).items()}},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=self.checkout, env=self._environment(), check=True)

    def change(self, old: str, new: str) -> None:
        path = self.checkout / CONTRACT
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        not_theirs = ("GIT_", "MMP_", "GITHUB_", "PYTHON")  # above all no PYTHONPATH: what is installed is to run
        own = {name: value for name, value in os.environ.items() if not name.startswith(not_theirs)}
        return {
            **own,
            "PATH": f"{Path(sys.executable).parent}:{own['PATH']}",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(REPOSITORY),
            "GITHUB_WORKSPACE": str(self.checkout),
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """After the step that installs: a branch of a repository with a contract and a consumer."""
    runner = Runner(tmp_path_factory.mktemp("runner"))
    done = runner.step(INSTALL)
    assert done.returncode == 0, done.stdout + done.stderr
    runner.git("init", "-q", "-b", "main")
    (runner.checkout / CONTRACT).write_bytes((REPOSITORY / CONTRACT).read_bytes())
    (runner.checkout / "pipeline.req.yml").write_text(REQUIREMENTS, encoding="utf-8")
    runner.git("add", "-A")
    runner.git("commit", "-q", "-m", "first")
    runner.git("switch", "-q", "-c", "feature")
    return runner


def test_it_runs_what_it_has_installed(runner: Runner) -> None:
    found = sorted(runner.temp.glob("mmp-dev/lib/python*/site-packages/mmp_local_dev/cli/contract/diff.py"))
    assert len(found) == 1


def test_diff_annotates_the_change_and_writes_the_summary(runner: Runner) -> None:
    runner.change('">=17,<18"', '">=16,<18"')
    done = runner.step(RUN, consumers="pipeline.req.yml\n", arguments="--as-of\n2026-06-30\n")
    runner.change('">=16,<18"', '">=17,<18"')
    assert done.returncode == 1, done.stderr
    assert f"::error file={CONTRACT},line=" in done.stdout
    assert "service-version-widened" in runner.summary.read_text(encoding="utf-8")
    assert "pipeline" in runner.summary.read_text(encoding="utf-8")


def test_nothing_has_changed(runner: Runner) -> None:
    done = runner.step(RUN, contract=CONTRACT, against="main")
    assert (done.returncode, done.stdout) == (0, f"{VERSION} -> {VERSION}, nothing has changed.\n")


def test_lint(runner: Runner) -> None:
    assert runner.step(RUN, command="lint", contract=CONTRACT).returncode == 0
    assert runner.step(RUN, command="lint", contract="nothing.yml").returncode == 2


def test_verify_consumers(runner: Runner) -> None:
    done = runner.step(
        RUN, command="verify-consumers", contract=CONTRACT, consumers="*.req.yml\n", arguments="--no-update"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pipeline" in done.stdout


def test_check(runner: Runner) -> None:
    """Of the contract's services none runs here, and there is no .env: it cannot be found out."""
    assert runner.step(RUN, command="check").returncode == 3


def test_another_command_is_refused(runner: Runner) -> None:
    done = runner.step(RUN, command="deploy")
    assert (done.returncode, done.stdout[:9]) == (2, "::error::")


def test_what_inputs_say_is_not_run(runner: Runner) -> None:
    for name in ("command", "contract", "against", "consumers", "arguments"):
        runner.step(RUN, **{name: '$(touch pwned) "; touch pwned; "'})
    assert not (runner.checkout / "pwned").exists()
