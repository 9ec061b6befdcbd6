"""`contract.lock.json`: which requirements were verified against which versions of a contract, with which answer.

The file is made for git: sorted, one thing a line and without dates, so that it changes only when an answer does.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from mmp_local_dev.contract.report import Outcome, Report
from mmp_local_dev.contract.requirements import Need, Requirements
from mmp_local_dev.errors import InputError, MmpError, Repair
from mmp_local_dev.files import write_if_changed

NAME = "contract.lock.json"
VERSION = 1

# The fields of requirements that say what is asked for.
_ASKED = ("contract", "variables", "services", "tables", "features", "capabilities", "latency")


class Answer(StrEnum):
    """Whether a consumer can live with a contract."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """0 yes, 1 no, 3 unknown."""
        return {Answer.YES: 0, Answer.NO: 1, Answer.UNKNOWN: 3}[self]


def worst(answers: Iterable[Answer]) -> Answer:
    """The answer to all together: yes when there are none."""
    there = set(answers)
    return next((answer for answer in (Answer.NO, Answer.UNKNOWN) if answer in there), Answer.YES)


@dataclass(frozen=True)
class Result:
    """An answer, with the ids of all clauses that failed or stayed open, also those that wait for others."""

    answer: Answer
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """What is known about one content of a consumer's requirements.

    `file` is where it stands, as a path from the lock's folder; `first_verified` the version of the contract that it
    passed first, "" as long as it is pending; `results` has the last result by version of the contract.
    """

    consumer: str
    content: str
    file: str
    first_verified: str = ""
    results: Mapping[str, Result] = field(default_factory=dict)


@dataclass(frozen=True)
class Lock:
    """All records, by consumer and content."""

    records: tuple[Record, ...] = ()

    def find(self, consumer: str, content: str) -> Record | None:
        """The record of this content; None when it was never verified."""
        return next((r for r in self.records if (r.consumer, r.content) == (consumer, content)), None)

    def of(self, consumer: str) -> list[Record]:
        """Every record of a consumer."""
        return [record for record in self.records if record.consumer == consumer]

    def with_record(self, record: Record) -> Lock:
        """With this record in place of the one of the same content, and of those that the same file had before."""
        same = (record.consumer, record.content)
        others = [r for r in self.records if (r.consumer, r.content) != same and r.file != record.file]
        return Lock(tuple(sorted((*others, record), key=lambda r: (r.consumer, r.content))))


def result_of(report: Report) -> Result:
    """The answer that a comparison gives."""
    answer = {0: Answer.YES, 1: Answer.NO}.get(report.exit_code, Answer.UNKNOWN)
    in_the_way = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.BLOCKED)
    return Result(answer, tuple(finding.clause for finding in report.findings if finding.outcome in in_the_way))


def recorded(record: Record, version: str, result: Result) -> Record:
    """`record` with the result of a version of the contract."""
    first = record.first_verified or (version if result.answer is Answer.YES else "")
    return replace(record, first_verified=first, results={**record.results, version: result})


def content_of(requirements: Requirements) -> str:
    """A hash of what is asked for: the same for other comments, order, descriptions and groups, and for the same needs
    in another version of the consumer."""
    asked = {name: _normal(vars(requirements)[name]) for name in _ASKED}
    return f"sha256:{sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()}"


def _normal(part: object) -> object:
    """Needs as JSON, without their lines, and with the clauses of a range in one order."""
    if isinstance(part, Need):
        return {name: _normal(value) for name, value in vars(part).items() if name != "line"}
    if isinstance(part, Mapping):
        return {name: _normal(value) for name, value in part.items()}
    is_range = isinstance(part, str) and part[:1] in "<>=!~"
    return sorted(clause.replace(" ", "") for clause in str(part).split(",")) if is_range else part


def read(path: Path) -> Lock:
    """The lock in the file at `path`; an empty one where there is none.

    Raises InputError when it cannot be read, is damaged, or was written by a newer tool than this one.
    """
    try:
        return from_text(path, path.read_bytes().decode(errors="replace"))
    except FileNotFoundError:
        return Lock()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", code="LOCK_DAMAGED") from None


def write(path: Path, lock: Lock) -> bool:
    """Write the lock in one step, unless the file already says so; True when it was written. Raises MmpError."""
    try:
        return write_if_changed(path, to_text(lock))
    except OSError as error:
        raise MmpError(f"{path} cannot be written: {error.strerror}.") from error


def to_text(lock: Lock) -> str:
    """The lock as its file has it."""
    from packaging.version import Version

    consumers = [
        {
            "consumer": record.consumer,
            "content": record.content,
            "file": record.file,
            "firstVerified": record.first_verified or None,
            "results": {version: _shown(record.results[version]) for version in sorted(record.results, key=Version)},
        }
        for record in lock.records
    ]
    return f"{json.dumps({'lockVersion': VERSION, 'consumers': consumers}, indent=2, ensure_ascii=False)}\n"


def _shown(result: Result) -> dict[str, Any]:
    return {"answer": result.answer, **({"because": list(result.because)} if result.because else {})}


def from_text(path: Path, text: str) -> Lock:
    """The lock that `text`, read from `path`, describes.

    Raises InputError as `read`.
    """
    try:
        data = json.loads(text)
        if data["lockVersion"] > VERSION:
            raise _newer(path, data["lockVersion"])
        return Lock(tuple(_record(each) for each in data["consumers"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(path, text, error) from None


def _record(data: Mapping[str, Any]) -> Record:
    results = {
        version: Result(Answer(said["answer"]), tuple(said.get("because", ())))
        for version, said in data["results"].items()
    }
    return Record(data["consumer"], data["content"], data["file"], data["firstVerified"] or "", results)


def _result(data: Mapping[str, Any]) -> Result:
    return Result(Answer(data["answer"]), tuple(data.get("because", ())))


def _newer(path: Path, version: object) -> InputError:
    return InputError(
        f"{path} has the form {version}, and this tool knows {VERSION}: a newer mmp-dev has written it.",
        repairs=[Repair("pip install --upgrade mmp-local-dev", "installs a tool that knows newer forms")],
        code="LOCK_NEWER",
    )


def _damaged(path: Path, text: str, error: Exception) -> InputError:
    conflict = "<<<<<<< " in text
    what = (
        "holds two versions that git could not merge" if conflict else f"is damaged ({type(error).__name__}: {error})"
    )
    return InputError(
        f"{path} {what}. It says which requirements passed before.",
        repairs=[
            Repair(shlex.join(["git", "checkout", "HEAD", "--", str(path)]), "takes the committed one"),
            Repair(shlex.join(["rm", str(path)]), "begins anew: then nothing has passed before"),
        ],
        code="LOCK_DAMAGED",
    )
