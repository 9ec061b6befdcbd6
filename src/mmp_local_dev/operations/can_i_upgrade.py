"""`contract can-i-upgrade`: whether a consumer may move to another contract."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmp_local_dev.contract import lock as locks
from mmp_local_dev.contract.clauses.base import is_named
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.lock import Answer, Lock, Record, Result
from mmp_local_dev.contract.needs import compare
from mmp_local_dev.contract.report import Report
from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.operations.references import referenced

_VERSION = re.compile(r"\d+(\.\d+)+")


@dataclass(frozen=True)
class Upgrade:
    """Whether a consumer may move to a contract. `to` is what was asked for, `version` that contract's version.

    `because` are the ids of the clauses that stand in the way; `reports` what was compared, none when the answer is a
    recorded one; `repairs` are the next steps.
    """

    consumer: str
    to: str
    version: str
    answer: Answer
    because: tuple[str, ...]
    message: str
    reports: tuple[Report, ...] = ()
    repairs: tuple[Repair, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 yes, 1 no, 3 unknown."""
        return self.answer.exit_code


def can_i_upgrade(
    consumer: str, to: str, contract_file: Path, *, lock_file: Path | None = None, ignore: Sequence[str] = ()
) -> Upgrade:
    """Whether `consumer` (a requirements file, or a name in the lock) may move to the contract `to`.

    A file or a revision (`REF:FILE`, `REF`) is compared directly; of a version the recorded results count, and where
    there is none the answer is unknown. Clauses that `ignore` names do not stand in the way. Raises InputError when
    nobody knows the consumer or the contract.
    """
    lock_path = lock_file or contract_file.parent / locks.NAME
    lock = locks.read(lock_path)
    if _VERSION.fullmatch(to) and not Path(to).exists():
        return _by_records(consumer, to, lock, ignore)
    contract = referenced(contract_file, to).contract
    files = _files_of(consumer, lock, lock_path.parent)
    reports = tuple(compare(load_requirements(file), contract, ignore=ignore) for file in files)
    results = [locks.result_of(report) for report in reports]
    message = f"compared with contract {contract.version}"
    return _upgrade(consumer, to, contract.version, results, message, reports=reports)


def _by_records(consumer: str, version: str, lock: Lock, ignore: Sequence[str]) -> Upgrade:
    records = _records_of(consumer, lock)
    results = [_without(record.results[version], ignore) for record in records if version in record.results]
    if len(results) < len(records) or not records:
        return Upgrade(
            consumer,
            version,
            version,
            Answer.UNKNOWN,
            (),
            f"no result of {consumer} with contract {version} is recorded",
            repairs=(Repair("mmp-dev contract verify-consumers", "records one of the contract in this workspace"),),
        )
    return _upgrade(consumer, version, version, results, f"recorded for contract {version}")


def _upgrade(
    consumer: str, to: str, version: str, results: Sequence[Result], message: str, *, reports: tuple[Report, ...] = ()
) -> Upgrade:
    answer = locks.worst(result.answer for result in results)
    because = tuple(dict.fromkeys(clause for result in results for clause in result.because))
    return Upgrade(consumer, to, version, answer, because, message, reports)


def _without(result: Result, ignore: Sequence[str]) -> Result:
    """A recorded result without what is ignored: a yes when nothing else stood in the way."""
    left = tuple(clause for clause in result.because if not any(is_named(word, clause) for word in ignore))
    return Result(Answer.YES) if result.because and not left else Result(result.answer, left)


def _records_of(consumer: str, lock: Lock) -> list[Record]:
    """Those of a name, or of the content of a file."""
    if not Path(consumer).is_file():
        records = lock.of(consumer)
        if not records:
            raise _unknown_consumer(consumer, lock)
        return records
    requirements = load_requirements(Path(consumer))
    found = lock.find(requirements.name, locks.content_of(requirements))
    return [found] if found else []


def _files_of(consumer: str, lock: Lock, folder: Path) -> list[Path]:
    """The file itself, or those of a name that are there."""
    if Path(consumer).is_file():
        return [Path(consumer)]
    files = [folder / record.file for record in lock.of(consumer)]
    if not files:
        raise _unknown_consumer(consumer, lock)
    return files


def _unknown_consumer(name: str, lock: Lock) -> InputError:
    known = ", ".join(dict.fromkeys(record.consumer for record in lock.records)) or "none"
    return InputError(
        f"No consumer {name} is in {locks.NAME}, and there is no such file. There are: {known}.",
        repairs=[Repair("mmp-dev contract verify-consumers", "verifies the consumers and keeps their results")],
        code="CONSUMER_UNKNOWN",
    )
