"""Baselines of `contract diff` in real Git repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import MMP_DEV, REPOSITORY

OLD = (REPOSITORY / "dev-contract.yml").read_text(encoding="utf-8")
FILE = "dev-contract.yml"
UNCHANGED = "nothing has changed"


class Repo:
    """A repository, its folder and what is done in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, env=_env(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, change: Callable[[str], str] = str, version: str = "1.1.0") -> None:
        text = change((self.folder / FILE).read_text(encoding="utf-8") if (self.folder / FILE).exists() else OLD)
        head, _, rest = text.partition('version: "')
        (self.folder / FILE).write_text(f'{head}version: "{version}"{rest.partition(chr(34))[2]}', encoding="utf-8")

    def commit(self, change: Callable[[str], str] = str, version: str = "1.1.0") -> str:
        self.write(change, version)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "--short=10", "HEAD")

    def diff(self, *options: str) -> subprocess.CompletedProcess[str]:
        argv = [*MMP_DEV, "contract", "diff", *options]
        return subprocess.run(
            argv, cwd=self.folder, env=_env(), capture_output=True, text=True, check=False, timeout=60
        )


def _env() -> dict[str, str]:
    """Without the repository that these tests themselves may run for, as in a hook."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "MMP_", "GITHUB_"))}
    return {**own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def with_variable(name: str) -> Callable[[str], str]:
    return lambda text: text.replace(
        "services:\n  postgresql", f"  {name}: {{type: string, required: false}}\n\nservices:\n  postgresql"
    )


def narrower(text: str) -> str:
    return text.replace('">=17,<18"', '">=17.1,<18"')


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """On `main`, with one commit."""
    repo = Repo(tmp_path / "provider")
    repo.git("init", "-q", "-b", "main")
    repo.commit()
    return repo


def test_what_was_added_to_the_default_branch_later_is_not_deleted_here(repo: Repo) -> None:
    fork = repo.git("rev-parse", "--short=10", "HEAD")
    repo.git("switch", "-q", "-c", "feature")
    repo.commit(narrower, "1.2.0")
    repo.git("switch", "-q", "main")
    repo.commit(with_variable("ADDED_LATER"), "1.2.0")
    repo.git("switch", "-q", "feature")
    for options in ([], ["--against", "main"]):
        done = repo.diff(*options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "service-version-narrowed" in done.stdout
        assert "ADDED_LATER" not in done.stdout
        assert f"the merge base with main ({fork})" in done.stderr
    exact = repo.diff("--against", f"main:{FILE}")
    assert "ADDED_LATER: is gone" in exact.stdout


def test_on_the_default_branch_what_is_not_committed_is_compared_with_the_last_commit(repo: Repo) -> None:
    repo.commit(with_variable("FIRST"), "1.2.0")
    repo.write(with_variable("SECOND"), "1.3.0")
    done = repo.diff()
    assert ("SECOND" in done.stdout, "FIRST" in done.stdout) == (True, False)
    assert f"{FILE} at HEAD (" in done.stderr


def test_on_the_default_branch_the_last_commit_is_compared_with_the_one_before(repo: Repo) -> None:
    repo.commit(with_variable("FIRST"), "1.2.0")
    for state in ("main", "--detach"):
        repo.git("switch", "-q", state)
        done = repo.diff()
        assert "FIRST: is new" in done.stdout
        assert f"{FILE} at HEAD~1, as HEAD is in main (" in done.stderr


def test_a_branch_with_nothing_of_its_own_has_no_changes(repo: Repo) -> None:
    repo.commit(with_variable("FIRST"), "1.2.0")
    repo.git("switch", "-q", "-c", "feature")
    assert UNCHANGED in repo.diff().stdout


def test_tags_and_commits_are_taken_as_they_are(repo: Repo) -> None:
    repo.git("switch", "-q", "-c", "release")
    repo.commit(with_variable("ONLY_RELEASED"), "1.1.1")
    repo.git("tag", "v1.1.1")
    repo.git("switch", "-q", "main")
    for revision in ("v1.1.1", repo.git("rev-parse", "v1.1.1")):
        assert "ONLY_RELEASED: is gone" in repo.diff("--against", revision).stdout
    assert UNCHANGED in repo.diff("--against", "release").stdout


def test_a_clone_compares_with_its_remote_s_default_branch(repo: Repo, tmp_path: Path) -> None:
    repo.git("branch", "-m", "trunk")
    Repo(tmp_path).git("clone", "-q", str(repo.folder), "clone")
    clone = Repo(tmp_path / "clone")
    clone.commit(narrower, "1.2.0")
    done = clone.diff()
    assert "the merge base with origin/trunk" in done.stderr
    assert "service-version-narrowed" in done.stdout


def test_a_contract_in_a_folder_is_found_from_anywhere(repo: Repo) -> None:
    folder = repo.folder / "provider"
    folder.mkdir()
    repo.git("mv", FILE, f"provider/{FILE}")
    repo.git("commit", "-q", "-m", "move")
    inner = Repo(folder)
    inner.commit(narrower, "1.2.0")
    assert "service-version-narrowed" in inner.diff().stdout
    assert "service-version-narrowed" in repo.diff(f"provider/{FILE}").stdout
    assert "service-version-narrowed" in inner.diff("--against", f"HEAD~2:{FILE}").stdout


class TestErrors:
    def test_a_shallow_clone_says_how_to_get_the_rest(self, repo: Repo, tmp_path: Path) -> None:
        repo.commit(with_variable("FIRST"), "1.2.0")
        Repo(tmp_path).git("clone", "-q", "--depth", "1", repo.folder.as_uri(), "clone")
        clone = Repo(tmp_path / "clone")
        done = clone.diff()
        assert (done.returncode, done.stdout) == (3, "")
        command = next(line for line in done.stderr.splitlines() if line.startswith("-> "))[3:].split("  (")[0]
        assert command.startswith("git fetch --unshallow")
        subprocess.run(command, shell=True, cwd=clone.folder, env=_env(), check=True, capture_output=True)  # noqa: S602
        assert "FIRST: is new" in clone.diff().stdout

    def test_histories_with_nothing_in_common(self, repo: Repo) -> None:
        repo.git("switch", "-q", "--orphan", "other")
        repo.commit(version="1.2.0")
        done = repo.diff()
        assert done.returncode == 3
        assert "HEAD and main have no commit in common" in done.stderr
        assert repo.diff("--against", f"main:./{FILE}").returncode == 0

    def test_what_is_no_file_and_no_revision(self, repo: Repo) -> None:
        done = repo.diff("--against", "v9")
        assert done.returncode == 2
        assert "v9 is neither a file nor a revision" in done.stderr

    @pytest.mark.parametrize("word", ["--help", "-c", ":", "HEAD:", "$(id)"])
    def test_odd_words_are_revisions_that_are_not_there(self, repo: Repo, word: str) -> None:
        assert repo.diff(f"--against={word}").returncode in (0, 2)

    def test_a_file_that_was_not_there(self, repo: Repo) -> None:
        done = repo.diff("--against", "HEAD:other.yml")
        assert done.returncode == 2
        assert "There is no HEAD:other.yml" in done.stderr

    def test_an_older_contract_that_is_wrong(self, repo: Repo) -> None:
        (repo.folder / "wrong.yml").write_text("version: 1.10\n", encoding="utf-8")
        repo.git("add", "-A")
        repo.git("commit", "-q", "-m", "wrong")
        done = repo.diff("--against", "HEAD:wrong.yml")
        assert done.returncode == 2
        assert "HEAD:wrong.yml (" in done.stderr
        assert "wrong.yml:1: " in done.stderr

    def test_the_first_commit(self, repo: Repo) -> None:
        done = repo.diff()
        assert done.returncode == 3
        assert "no earlier version of dev-contract.yml" in done.stderr

    def test_a_contract_that_is_new(self, tmp_path: Path) -> None:
        repo = Repo(tmp_path / "provider")
        repo.git("init", "-q", "-b", "main")
        repo.git("commit", "-q", "--allow-empty", "-m", "empty")
        repo.git("switch", "-q", "-c", "feature")
        repo.commit()
        done = repo.diff()
        assert done.returncode == 3
        assert "dev-contract.yml is new: it is not at the merge base with main" in done.stderr

    def test_no_repository(self, tmp_path: Path) -> None:
        folder = Repo(tmp_path / "plain")
        folder.write()
        done = folder.diff()
        assert done.returncode == 3
        assert "Git knows no repository" in done.stderr

    def test_no_git(self, repo: Repo) -> None:
        argv = [*MMP_DEV, "contract", "diff"]
        env = {**_env(), "PATH": "/nonexistent"}
        done = subprocess.run(argv, cwd=repo.folder, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 3
        assert "git could not be started" in done.stderr
