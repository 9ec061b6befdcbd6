"""The lock file: what it keeps, how it reads, and what it says when it cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mmp_local_dev.contract import lock as locks
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.lock import Answer, Lock, Record, Result
from mmp_local_dev.contract.needs import compare
from mmp_local_dev.contract.requirements import ServiceNeed, VariableNeed
from mmp_local_dev.errors import InputError, MmpError
from promises import CONTRACT, REQUIREMENTS

RECORD = Record("pipeline", "sha256:1", "consumers/pipeline.req.yml")
NO = Result(Answer.NO, ("service.version[redis]",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / locks.NAME


# Results


def test_the_result_of_a_report() -> None:
    assert locks.result_of(compare(REQUIREMENTS, CONTRACT)) == Result(Answer.YES)


def test_a_no_says_all_that_is_in_the_way() -> None:
    result = locks.result_of(compare(replace(REQUIREMENTS, services={"kafka": ServiceNeed("kafka", ">=3")}), CONTRACT))
    assert result == Result(Answer.NO, ("service.ready[kafka]", "service.version[kafka]"))


def test_what_the_contract_does_not_say_is_unknown() -> None:
    services = {"redis": replace(CONTRACT.services["redis"], version="")}
    result = locks.result_of(compare(REQUIREMENTS, replace(CONTRACT, services={**CONTRACT.services, **services})))
    assert result == Result(Answer.UNKNOWN, ("service.version[redis]",))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], Answer.YES),
        ([Answer.YES, Answer.UNKNOWN], Answer.UNKNOWN),
        ([Answer.UNKNOWN, Answer.NO, Answer.YES], Answer.NO),
    ],
)
def test_the_worst_answer_counts(answers: list[Answer], expected: Answer) -> None:
    assert locks.worst(answers) is expected


def test_a_content_is_verified_by_its_first_yes() -> None:
    record = locks.recorded(RECORD, "1.0.0", NO)
    assert record.first_verified == ""
    record = locks.recorded(locks.recorded(record, "1.1.0", Result(Answer.YES)), "1.2.0", NO)
    assert record.first_verified == "1.1.0"
    assert {version: result.answer for version, result in record.results.items()} == {
        "1.0.0": "no",
        "1.1.0": "yes",
        "1.2.0": "no",
    }


# Contents


def test_the_content_is_what_is_asked_for() -> None:
    same = replace(REQUIREMENTS, path=Path("other"), version="2", revision="abc", groups={}, contract="<2, >=1.1")
    assert locks.content_of(same) == locks.content_of(REQUIREMENTS)


def test_the_content_does_not_depend_on_order_or_lines() -> None:
    variables = {name: replace(need, line=99) for name, need in reversed([*REQUIREMENTS.variables.items()])}
    assert locks.content_of(replace(REQUIREMENTS, variables=variables)) == locks.content_of(REQUIREMENTS)


def test_every_need_counts() -> None:
    contents = {locks.content_of(REQUIREMENTS)}
    for field in ("variables", "services", "tables", "features", "capabilities", "latency"):
        contents.add(locks.content_of(replace(REQUIREMENTS, **{field: {}})))  # type: ignore[arg-type]
    contents.add(locks.content_of(replace(REQUIREMENTS, contract=">=1.2,<2")))
    optional = {**REQUIREMENTS.variables, "POSTGRES_HOST": VariableNeed("POSTGRES_HOST", required=False)}
    contents.add(locks.content_of(replace(REQUIREMENTS, variables=optional)))
    assert len(contents) == 9


def test_comments_are_no_content(tmp_path: Path) -> None:
    text = "apiVersion: mmp.dev/v2\nkind: ContractRequirements\nmetadata: {name: a}\nenv: [A_B]\n"
    first, second = tmp_path / "a.req.yml", tmp_path / "b.req.yml"
    first.write_text(text, encoding="utf-8")
    second.write_text(f"# a comment\nx-note: 1\n{text}", encoding="utf-8")
    assert locks.content_of(load_requirements(first)) == locks.content_of(load_requirements(second))


# Records


def test_a_record_takes_the_place_of_what_its_file_said_before() -> None:
    changed = replace(RECORD, content="sha256:2")
    assert Lock((RECORD,)).with_record(changed) == Lock((changed,))


def test_a_content_that_has_moved_keeps_its_record() -> None:
    moved = replace(RECORD, file="elsewhere.req.yml", first_verified="1.0.0")
    assert Lock((RECORD,)).with_record(moved) == Lock((moved,))


def test_two_files_of_one_consumer_have_a_record_each() -> None:
    other = replace(RECORD, content="sha256:0", file="consumers/older.req.yml")
    lock = Lock((RECORD,)).with_record(other)
    assert lock.records == (other, RECORD)
    assert lock.of("pipeline") == [other, RECORD]
    assert lock.find("pipeline", "sha256:1") is RECORD
    assert lock.find("other", "sha256:1") is None


# The file


def test_it_reads_as_it_was_written(path: Path) -> None:
    full = replace(RECORD, first_verified="1.1.0", results={"1.9.0": Result(Answer.YES), "1.10.0": NO})
    lock = Lock((RECORD, replace(full, consumer="zeta", file="zeta.req.yml")))
    assert locks.write(path, lock)
    assert locks.read(path) == lock
    assert list(json.loads(path.read_text(encoding="utf-8"))["consumers"][1]["results"]) == ["1.9.0", "1.10.0"]


def test_it_is_written_only_when_it_changes(path: Path) -> None:
    locks.write(path, Lock((RECORD,)))
    before = path.stat().st_mtime_ns
    assert not locks.write(path, Lock((RECORD,)))
    assert path.stat().st_mtime_ns == before
    assert [file.name for file in path.parent.iterdir()] == [locks.NAME]


def test_no_file_is_an_empty_lock(path: Path) -> None:
    assert locks.read(path) == Lock()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"lockVersion": "1", "consumers": []}',
        '{"lockVersion": 1, "consumers": 7}',
        '{"lockVersion": 1, "consumers": [{}]}',
        '{"lockVersion": 1, "consumers": [{"consumer": "a", "content": "b", "file": "c", "firstVerified": null, '
        '"results": {"1.0": {"answer": "perhaps"}}}]}',
    ],
)
def test_a_damaged_file(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is damaged") as caught:
        locks.read(path)
    assert caught.value.code == "LOCK_DAMAGED"
    assert [repair.command for repair in caught.value.repairs] == [f"git checkout HEAD -- {path}", f"rm {path}"]


def test_bytes_that_are_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is damaged"):
        locks.read(path)


def test_a_conflict_of_git(path: Path) -> None:
    path.write_text('{\n<<<<<<< HEAD\n  "lockVersion": 1\n=======\n>>>>>>> other\n}\n', encoding="utf-8")
    with pytest.raises(InputError, match="two versions that git could not merge"):
        locks.read(path)


def test_a_newer_file(path: Path) -> None:
    path.write_text('{"lockVersion": 2, "consumers": {}}', encoding="utf-8")
    with pytest.raises(InputError, match="has the form 2, and this tool knows 1") as caught:
        locks.read(path)
    assert caught.value.code == "LOCK_NEWER"


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        locks.read(path)
    with pytest.raises(MmpError, match="cannot be written"):
        locks.write(path, Lock((RECORD,)))
