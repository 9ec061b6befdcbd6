"""`contract verify-consumers`: for whom a contract does."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmp_local_dev.contract import lock as locks
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.lock import Answer, Lock, Record
from mmp_local_dev.contract.needs import compare
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.requirements import Requirements
from mmp_local_dev.errors import InputError, Repair

FILES = "consumers/*.req.yml"  # where consumers are looked for when nobody says where, from the contract's folder


@dataclass(frozen=True)
class Verdict:
    """What a contract is to one consumer. `pending`: these requirements have never passed, so a no is not fatal."""

    consumer: str
    version: str
    file: str
    content: str
    answer: Answer
    pending: bool
    report: Report


@dataclass(frozen=True)
class Verification:
    """What a contract is to its consumers. `fatal` are the verdicts that are no yes: without the pending ones, unless
    these were asked for as well. `written`: the lock file has changed."""

    contract: str
    version: str
    verdicts: tuple[Verdict, ...]
    fatal: tuple[Verdict, ...]
    lock: str
    written: bool

    @property
    def exit_code(self) -> int:
        """0 nobody that counts is broken, 1 somebody is, 3 of somebody it could not be found out."""
        return locks.worst(verdict.answer for verdict in self.fatal).exit_code


def verify_consumers(
    files: Sequence[str],
    contract_file: Path,
    *,
    lock_file: Path | None = None,
    update: bool = True,
    pending_is_fatal: bool = False,
    allow_empty: bool = False,
) -> Verification:
    """Compare the requirements in `files` (paths, folders or patterns; FILES if there are none) with a contract.

    The results are kept in `lock_file` (beside the contract if None), unless `update` is False. Raises InputError when
    there is nothing to verify, unless `allow_empty`, and when a file or the lock cannot be used; MmpError when the lock
    cannot be written.
    """
    contract, lock_path = load(contract_file), lock_file or contract_file.parent / locks.NAME
    lock = locks.read(lock_path)
    paths = requirement_files(files or [str(contract_file.parent / FILES)])
    if not paths and not allow_empty:
        raise _nothing_to_verify(files or [FILES])
    verdicts = []
    for path in paths:
        requirements = load_requirements(path)
        report = compare(requirements, contract)
        record = _recorded(requirements, report, lock, lock_path.parent)
        lock = lock.with_record(record)
        verdicts.append(_verdict(requirements, report, record))
    fatal = tuple(v for v in verdicts if v.answer is not Answer.YES and (pending_is_fatal or not v.pending))
    written = update and bool(paths) and locks.write(lock_path, lock)
    return Verification(contract.name, contract.version, tuple(verdicts), fatal, str(lock_path), written)


def _recorded(requirements: Requirements, report: Report, lock: Lock, folder: Path) -> Record:
    content, file = locks.content_of(requirements), _from(folder, requirements.path)
    known = lock.find(requirements.name, content) or Record(requirements.name, content, file)
    return locks.recorded(replace(known, file=file), report.version, locks.result_of(report))


def _verdict(requirements: Requirements, report: Report, record: Record) -> Verdict:
    answer = locks.result_of(report).answer
    file, is_pending = str(requirements.path), not record.first_verified
    return Verdict(requirements.name, requirements.version, file, record.content, answer, is_pending, report)


def requirement_files(files: Iterable[str]) -> list[Path]:
    """The files that are meant: themselves, those in a folder, or those that a pattern finds, each once."""
    found: list[Path] = []
    for file in files:
        path = Path(file)
        if path.is_dir():
            found += sorted(path.glob("*.req.yml"))
        elif "*" in file:
            found += sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _from(folder: Path, path: Path) -> str:
    """`path` as the lock names it: from its folder, so that the lock says the same in every clone."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _nothing_to_verify(files: Iterable[str]) -> InputError:
    return InputError(
        f"Nothing to verify: there is no file {shlex.join(files)}.",
        repairs=[
            Repair("mmp-dev contract infer --help", "says how to draft the requirements of a consumer from its code"),
            Repair("", "give --allow-empty where it is all right to have no consumers"),
        ],
        code="NOTHING_TO_VERIFY",
    )
