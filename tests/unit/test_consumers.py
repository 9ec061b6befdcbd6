"""Verification of consumers and the question whether one may upgrade, on files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conftest import REPOSITORY
from mmp_local_dev.contract import lock as locks
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.lock import Answer
from mmp_local_dev.errors import ContractInvalid, InputError
from mmp_local_dev.operations.can_i_upgrade import Upgrade, can_i_upgrade
from mmp_local_dev.operations.consumers import Verification, verify_consumers
from mmp_local_dev.operations.references import referenced
from own import of_version

HEAD = "apiVersion: mmp.dev/v2\nkind: ContractRequirements\nmetadata: {name: pipeline}\n"
MET, UNMET = 'services: {redis: ">=7,<10"}\n', 'services: {redis: ">=8,<10"}\n'


class Provider:
    """A folder with a contract and its consumers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contract = folder / "dev-contract.yml"
        self.lock = folder / locks.NAME
        (folder / "consumers").mkdir()
        self.promise("1.1.0", ">=7.2,<9")

    def promise(self, version: str, redis: str, *, path: Path | None = None) -> None:
        text = of_version(version).replace('">=7.2,<9"', f'"{redis}"')
        (path or self.contract).write_text(text, encoding="utf-8")

    def consumer(self, needs: str, name: str = "pipeline") -> Path:
        path = self.folder / "consumers" / f"{name}.req.yml"
        path.write_text(HEAD.replace("pipeline", name) + needs, encoding="utf-8")
        return path

    def verify(self, *files: str, **options: bool) -> Verification:
        return verify_consumers(files, self.contract, **options)  # type: ignore[arg-type]

    def ask(self, to: str, consumer: str = "pipeline", *ignore: str) -> Upgrade:
        return can_i_upgrade(consumer, to, self.contract, ignore=ignore)


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    return Provider(tmp_path)


# Verification


def test_a_consumer_that_is_served(provider: Provider) -> None:
    path = provider.consumer(MET)
    result = provider.verify()
    (verdict,) = result.verdicts
    assert (result.contract, result.version, result.exit_code) == ("mmp-local-dev", "1.1.0", 0)
    assert (verdict.consumer, verdict.file, verdict.answer, verdict.pending) == ("pipeline", str(path), "yes", False)
    assert (result.written, result.lock) == (True, str(provider.lock))
    (record,) = locks.read(provider.lock).records
    assert (record.file, record.first_verified) == ("consumers/pipeline.req.yml", "1.1.0")


def test_what_has_never_passed_is_pending_and_not_fatal(provider: Provider) -> None:
    provider.consumer(UNMET)
    result = provider.verify()
    assert [(verdict.answer, verdict.pending) for verdict in result.verdicts] == [("no", True)]
    assert (result.fatal, result.exit_code) == ((), 0)
    assert locks.read(provider.lock).records[0].first_verified == ""


def test_what_is_pending_can_be_made_fatal(provider: Provider) -> None:
    provider.consumer(UNMET)
    result = provider.verify(pending_is_fatal=True)
    assert (result.fatal, result.exit_code) == (result.verdicts, 1)


def test_what_has_passed_and_does_no_more_is_fatal(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    provider.promise("1.2.0", ">=6,<9")
    result = provider.verify()
    assert [(verdict.answer, verdict.pending) for verdict in result.verdicts] == [("no", False)]
    assert result.exit_code == 1
    results = locks.read(provider.lock).records[0].results
    assert {version: said.answer for version, said in results.items()} == {"1.1.0": "yes", "1.2.0": "no"}


def test_new_needs_are_pending_again(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    provider.consumer(UNMET)
    assert provider.verify().exit_code == 0
    assert len(locks.read(provider.lock).records) == 1


def test_a_contract_that_does_not_say_enough(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    provider.contract.write_text(
        'version: "1.0"\nprovides_env_variables: [REDIS_HOST]\nprovides_services: [{name: redis, port: 6379}]\n'
        "verification_script: a.py\n",
        encoding="utf-8",
    )
    assert [verdict.answer for verdict in provider.verify().verdicts] == ["unknown"]
    assert provider.verify().exit_code == 3


def test_one_that_is_broken_counts_more_than_those_that_are_not(provider: Provider) -> None:
    provider.consumer(MET, "first")
    provider.consumer('services: {mlflow: ">=3"}\n', "second")
    provider.verify()
    provider.promise("1.2.0", ">=6,<9")
    result = provider.verify()
    assert [(verdict.consumer, verdict.answer) for verdict in result.verdicts] == [("first", "no"), ("second", "yes")]
    assert result.exit_code == 1


def test_a_second_run_changes_nothing(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    before = provider.lock.read_bytes()
    assert not provider.verify().written
    assert provider.lock.read_bytes() == before


def test_without_update_the_lock_stays(provider: Provider) -> None:
    provider.consumer(MET)
    assert not provider.verify(update=False).written
    assert not provider.lock.exists()


@pytest.mark.parametrize("files", ["consumers", "consumers/*.req.yml", "consumers/pipeline.req.yml"])
def test_files_folders_and_patterns(provider: Provider, files: str) -> None:
    provider.consumer(MET)
    (provider.folder / "consumers" / "notes.yml").write_text("no requirements", encoding="utf-8")
    assert len(provider.verify(str(provider.folder / files)).verdicts) == 1


def test_a_file_that_is_named_twice_is_verified_once(provider: Provider) -> None:
    path = str(provider.consumer(MET))
    assert len(provider.verify(path, path, str(provider.folder / "consumers")).verdicts) == 1


def test_nothing_to_verify_is_an_error(provider: Provider) -> None:
    with pytest.raises(InputError, match="Nothing to verify") as caught:
        provider.verify()
    assert (caught.value.code, caught.value.exit_code) == ("NOTHING_TO_VERIFY", 2)
    assert not provider.lock.exists()


def test_nothing_to_verify_can_be_allowed(provider: Provider) -> None:
    result = provider.verify(allow_empty=True)
    assert (result.verdicts, result.exit_code, result.written) == ((), 0, False)


def test_a_file_that_is_named_and_absent_is_an_error_also_then(provider: Provider) -> None:
    with pytest.raises(ContractInvalid, match="No such file"):
        provider.verify(str(provider.folder / "absent.req.yml"), allow_empty=True)


def test_a_damaged_lock_is_not_replaced(provider: Provider) -> None:
    provider.consumer(MET)
    provider.lock.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        provider.verify()
    assert provider.lock.read_text(encoding="utf-8") == "{"


# May it upgrade?


def test_a_contract_in_a_file(provider: Provider) -> None:
    path = provider.consumer(MET)
    other = provider.folder / "next.yml"
    provider.promise("2.0.0", ">=7,<8", path=other)
    answer = provider.ask(str(other), str(path))
    assert (answer.answer, answer.version, answer.because) == (Answer.YES, "2.0.0", ())


def test_a_contract_that_does_not_do(provider: Provider) -> None:
    path = provider.consumer(MET)
    other = provider.folder / "next.yml"
    provider.promise("2.0.0", ">=6,<8", path=other)
    answer = provider.ask(str(other), str(path))
    assert (answer.answer, answer.exit_code) == (Answer.NO, 1)
    assert answer.because == ("service.version[redis]",)
    assert [report.mode for report in answer.reports] == ["compare"]


def test_what_is_ignored_is_not_in_the_way(provider: Provider) -> None:
    path = provider.consumer(UNMET)
    assert provider.ask(str(provider.contract), str(path), "service.version").answer is Answer.YES
    with pytest.raises(InputError, match=r"No clause of these requirements is called service\.verson"):
        provider.ask(str(provider.contract), str(path), "service.verson")


def test_a_consumer_by_its_name(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    assert provider.ask(str(provider.contract)).answer is Answer.YES


def test_of_a_version_the_recorded_results_count(provider: Provider) -> None:
    provider.consumer(UNMET)
    provider.verify()
    answer = provider.ask("1.1.0")
    assert (answer.answer, answer.because, answer.reports) == (Answer.NO, ("service.version[redis]",), ())
    assert provider.ask("1.1.0", "pipeline", "service.version[redis]").answer is Answer.YES


def test_a_version_that_was_never_verified_is_unknown(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    answer = provider.ask("1.2.0")
    assert (answer.answer, answer.exit_code) == (Answer.UNKNOWN, 3)
    assert [repair.command for repair in answer.repairs] == ["mmp-dev contract verify-consumers"]


def test_other_needs_than_the_recorded_ones_are_unknown(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    path = provider.consumer(UNMET)
    assert provider.ask("1.1.0", str(path)).answer is Answer.UNKNOWN


def test_a_consumer_that_nobody_knows(provider: Provider) -> None:
    provider.consumer(MET)
    provider.verify()
    for to in ("1.1.0", str(provider.contract)):
        with pytest.raises(InputError, match=r"No consumer other .* There are: pipeline\."):
            provider.ask(to, "other")


# Contracts in git


@pytest.fixture
def committed(provider: Provider) -> Provider:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(provider.folder), *identity, *arguments], check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "dev-contract.yml")
    git("commit", "--quiet", "-m", "first")
    git("tag", "v1")
    provider.promise("2.0.0", ">=6,<8")
    return provider


@pytest.mark.parametrize("reference", ["v1", "v1:dev-contract.yml", "HEAD:./dev-contract.yml"])
def test_a_revision(committed: Provider, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(committed.folder)
    assert referenced(committed.contract, reference).contract.version == "1.1.0"
    assert referenced(committed.contract, str(committed.contract)).contract.version == "2.0.0"


@pytest.mark.parametrize("reference", ["nothing", "v1:absent.yml", "absent.yml", "--help:x"])
def test_a_revision_that_is_not_there(committed: Provider, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(committed.folder)
    with pytest.raises(InputError, match=r"is neither a file nor a revision|that commit has no such file"):
        referenced(committed.contract, reference)


# The reference consumer


def test_the_repository_s_contract_does_for_its_consumers() -> None:
    """And the committed lock says so."""
    result = verify_consumers((), REPOSITORY / "dev-contract.yml", update=False)
    assert [(verdict.consumer, verdict.answer, verdict.pending) for verdict in result.verdicts] == [
        ("modern-ml-pipeline", "yes", False)
    ]
    committed = locks.read(REPOSITORY / locks.NAME)
    (record,) = committed.records
    assert record.content == result.verdicts[0].content
    assert record.results[result.version].answer is Answer.YES
    assert (REPOSITORY / locks.NAME).read_text(encoding="utf-8") == locks.to_text(committed)


def test_the_reference_consumer_needs_every_variable_of_the_1_0_form() -> None:
    contract = load(REPOSITORY / "dev-contract.yml")
    needs = load_requirements(REPOSITORY / "consumers" / "modern-ml-pipeline.req.yml")
    promised = {variable.name for variable in contract.variables.values() if variable.required}
    assert {need.name for need in needs.variables.values() if need.required} == promised
    assert needs.services.keys() == contract.services.keys()
