"""Dump and restore of a whole PostgreSQL server: to move between the native server and the container, and to back up.

The server's own programs do the work, and all data goes through their standard input and output: they may run in a
container that sees none of this machine's files.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, LiteralString

from mmp_local_dev.environment import MASK, Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.files import private_file
from mmp_local_dev.services import postgresql, postgresql_database, postgresql_folder, postgresql_roles
from mmp_local_dev.services.base import Home, Programs
from mmp_local_dev.services.postgresql_database import MAINTENANCE, REPLACED, RESTORING
from mmp_local_dev.services.postgresql_fingerprint import fingerprint
from mmp_local_dev.services.postgresql_folder import Archive, Index, Part
from mmp_local_dev.services.postgresql_server import ADMIN, ADMIN_SECRET
from mmp_local_dev.shell import CommandFailed

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

__all__ = ["dump", "fingerprint", "restore"]

Progress = Callable[[int, int], None]

_DUMP = ("pg_dump", "--format=custom", "--compress=0")
_RESTORE = ("pg_restore", "--exit-on-error", "--no-tablespaces", f"--dbname={RESTORING}")
# Settings that came with a database must not keep the superuser from dumping and filling it. What is written reaches
# the disk with the commit that gives a database its name: that one waits for all that was written before it.
_OPTIONS = "-c default_transaction_read_only=off -c role=none -c synchronous_commit=off"
# Programs quote the statement that failed, and with it the passwords of roles and of foreign servers.
_PASSWORDS = re.compile(r"SCRAM-SHA-256\$[^\s']+|\bmd5[0-9a-f]{32}|(?<=password ')[^']+|(?<=password=)[^\s']+", re.I)
_SWAPS = 20  # how often a database's clients may come back in the instant between their end and the renaming


@dataclass(frozen=True)
class _Server:
    """The server, for queries from here and for the programs that come with it. `timeout`: seconds for a connection."""

    env: Environment
    home: Home
    programs: Programs
    timeout: float

    def admin(self, database: str = MAINTENANCE) -> AbstractContextManager[Connection]:
        """A connection as superuser."""
        return postgresql_database.connect(self.env, self.home, timeout=self.timeout, database=database)

    def pipe(
        self,
        argv: Sequence[str],
        database: str,
        *,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        """Run a program on that database. Raises CommandFailed without any password in it."""
        variables = {**self._login(), "PGDATABASE": database, "PGOPTIONS": _OPTIONS}
        try:
            self.programs.pipe("postgresql", argv, self.env, variables, stdin=stdin, stdout=stdout)
        except CommandFailed as error:
            raise CommandFailed(error.argv, error.returncode, self._redacted(error.detail)) from None

    def _login(self) -> dict[str, str]:
        inside = self.programs.inside(self.env)
        return {
            "PGHOST": inside["POSTGRES_HOST"],
            "PGPORT": inside["POSTGRES_PORT"],
            "PGUSER": ADMIN,
            "PGPASSWORD": self.home.secret(ADMIN_SECRET),
            "PGSSLMODE": "disable",  # it does not leave the machine, and encrypting takes longer than the rest
            "PGCONNECT_TIMEOUT": str(max(2, round(self.timeout))),
        }

    def _redacted(self, text: str) -> str:
        return self.env.redact(_PASSWORDS.sub(MASK, text).replace(self.home.secret(ADMIN_SECRET), MASK))


def _ignore(_done: int, _total: int) -> None:
    pass


def dump(
    env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Progress = _ignore
) -> None:
    """Write the roles and every database that is not a template into `folder` (0700, its files 0600).

    Interrupted, it leaves a folder that `restore` refuses. `timeout`: seconds for each connection; `progress` is told
    the bytes done and all there are, as the databases measure on the server. Raises NotReady, WrongService,
    CommandFailed when a program fails, MmpError with code NOT_DUMPABLE for a database that accepts no connections, and
    OSError when the folder cannot be written or the disk is full.
    """
    server = _Server(env, home, programs, timeout)
    with server.admin() as admin:
        version, roles = admin.info.server_version, postgresql_roles.roles(admin)
        databases = postgresql_database.databases(admin)
        _check_connectable(admin)
        sizes = [_size(admin, each.name) for each in databases]
    postgresql_folder.begin(folder)
    roles_part = _save(server, postgresql_roles.DUMP, ADMIN, folder / "roles.sql", lambda _: None)
    archives, done = [], 0
    for number, (database, size) in enumerate(zip(databases, sizes, strict=True), start=1):
        path = folder / f"database-{number}.dump"  # its name may be none for a file
        part = _save(server, _DUMP, database.name, path, _scaled(progress, done, size, sum(sizes)))
        archives.append(Archive(database, _has_public(server, database.name), part))
        done += size
        progress(done, sum(sizes))
    postgresql_folder.write(folder, Index(version, roles, roles_part, archives))


def restore(
    env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Progress = _ignore
) -> None:
    """Make the server hold what the dump in `folder` holds; the superuser keeps its password.

    Each database replaces that of its name in one step, once it is whole; others stay. Interrupted, it can be run
    again. `timeout`: seconds for each connection; `progress` is told the archives' bytes done and all there are.
    Raises MmpError with code DUMP_DAMAGED or DUMP_TOO_NEW before anything is changed, later NotReady, WrongService,
    and CommandFailed when a program fails, MmpError with code REFUSED when the server cannot have such a database.
    """
    index = postgresql_folder.read(folder)
    server = _Server(env, home, programs, timeout)
    with server.admin() as admin:
        _check_version(admin, index.server_version)
    _restore_roles(server, folder, index)
    done, total = 0, sum(archive.part.size for archive in index.archives)
    try:
        for archive in index.archives:
            _restore_database(server, folder, archive, _scaled(progress, done, archive.part.size, total))
            done += archive.part.size
            progress(done, total)
    finally:
        with suppress(MmpError), server.admin() as admin:
            _drop_leftovers(admin)


def _scaled(progress: Progress, before: int, share: int, total: int) -> Callable[[int], None]:
    """What reports the bytes of one file as a part, at most `share`, of `total`."""
    return lambda moved: progress(before + min(moved, share), total)


def _check_connectable(admin: Connection) -> None:
    query: LiteralString = "SELECT datname FROM pg_catalog.pg_database WHERE NOT datallowconn AND NOT datistemplate"
    if closed := [name for (name,) in admin.execute(query)]:
        raise MmpError(
            f"These databases accept no connections, so that they cannot be dumped: {', '.join(closed)}. Drop them, or "
            "let them in with ALTER DATABASE ... ALLOW_CONNECTIONS true.",
            code="NOT_DUMPABLE",
        )


def _check_version(admin: Connection, dumped: int) -> None:
    theirs, ours = dumped // 10_000, admin.info.server_version // 10_000
    if theirs > ours:
        raise MmpError(
            f"The dump is of PostgreSQL {theirs}, and this server is PostgreSQL {ours}, which cannot read it. Nothing "
            "was changed.",
            code="DUMP_TOO_NEW",
        )


def _size(admin: Connection, database: str) -> int:
    return int(postgresql.scalar(admin, "SELECT pg_catalog.pg_database_size(%s::name)", database))


def _has_public(server: _Server, database: str) -> bool:
    with server.admin(database) as admin:
        return bool(postgresql.scalar(admin, "SELECT pg_catalog.to_regnamespace('public') IS NOT NULL"))


def _save(server: _Server, argv: Sequence[str], database: str, path: Path, moved: Callable[[int], None]) -> Part:
    """Write what the program prints into a new file, and tell how many bytes so far."""
    size, digest = 0, hashlib.sha256()
    with (
        private_file(path) as file,
        _output(lambda sink: server.pipe(argv, database, stdout=sink)) as source,
    ):
        while block := source.read(postgresql_folder.BLOCK):
            file.write(block)
            digest.update(block)
            size += len(block)
            moved(size)
    return Part(path.name, size, digest.hexdigest())


def _load(server: _Server, path: Path, moved: Callable[[int], None]) -> None:
    """Feed the archive to pg_restore, and tell how many bytes so far."""
    size = 0
    with (
        path.open("rb") as file,
        _input(lambda source: server.pipe(_RESTORE, RESTORING, stdin=source)) as sink,
    ):
        while block := file.read(postgresql_folder.BLOCK):
            sink.write(block)
            size += len(block)
            moved(size)


def _restore_roles(server: _Server, folder: Path, index: Index) -> None:
    """All in one transaction, which a script that breaks off does not commit: no role is left without its password."""
    script = (folder / index.roles_part.file).read_bytes().decode()  # a role's comment keeps its line ends
    with server.admin() as admin:
        cleared = postgresql_roles.cleared(admin, index.roles)
        fitted = postgresql_roles.fitted(script, postgresql_roles.roles(admin))
    with _input(lambda source: server.pipe(postgresql_roles.RESTORE, ADMIN, stdin=source)) as sink:
        sink.write(f"BEGIN;\n{cleared}{fitted}\nCOMMIT;\n".encode())


def _restore_database(server: _Server, folder: Path, archive: Archive, moved: Callable[[int], None]) -> None:
    with server.admin() as admin:
        _drop_leftovers(admin)
        postgresql_database.create(admin, archive.database, name=RESTORING)
    if not archive.has_public:
        with server.admin(RESTORING) as admin:
            admin.execute("DROP SCHEMA public")
    _load(server, folder / archive.part.file, moved)
    with server.admin() as admin:
        _swap(admin, archive.database.name)
        _drop_leftovers(admin)


def _drop_leftovers(admin: Connection) -> None:
    from psycopg import sql

    for name in (RESTORING, REPLACED):
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _swap(admin: Connection, name: str) -> None:
    """Put the restored database in the place of the old one, if there is one, in one step."""
    from psycopg.errors import ObjectInUse

    for attempt in range(_SWAPS):
        _end_clients(admin, [name, RESTORING])
        try:
            with admin.transaction():
                _rename(admin, name, REPLACED)
                _rename(admin, RESTORING, name)
            return
        except ObjectInUse:  # the renaming keeps others out, but somebody was quicker
            if attempt == _SWAPS - 1:
                raise


def _end_clients(admin: Connection, databases: Sequence[str]) -> None:
    query: LiteralString = """
        SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
        WHERE datname = ANY(%s) AND backend_type = 'client backend'
    """
    admin.execute(query, [list(databases)])


def _rename(admin: Connection, old: str, new: str) -> None:
    from psycopg import sql

    if postgresql.scalar(admin, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", old):
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))


@contextmanager
def _output(program: Callable[[IO[bytes]], None]) -> Iterator[IO[bytes]]:
    """What `program` writes into the file that it is given, while it runs in a thread.

    Whoever stops reading ends it: its next write fails. Its error comes when everything was read.
    """
    reader, writer = os.pipe()
    with ThreadPoolExecutor(max_workers=1) as pool, open(reader, "rb") as source:  # noqa: PTH123 -- a descriptor
        result = pool.submit(_run_with, program, writer, "wb")
        yield source
    result.result()


@contextmanager
def _input(program: Callable[[IO[bytes]], None]) -> Iterator[IO[bytes]]:
    """A file whose contents `program` reads from the one that it is given, while it runs in a thread.

    Left by an error, the program is ended by an input that breaks off. Its own error comes at the end.
    """
    reader, writer = os.pipe()
    with ThreadPoolExecutor(max_workers=1) as pool:
        result = pool.submit(_run_with, program, reader, "rb")
        with suppress(BrokenPipeError), open(writer, "wb") as sink:  # noqa: PTH123 -- it ended: its error says why
            yield sink
    result.result()


def _run_with(program: Callable[[IO[bytes]], None], descriptor: int, mode: Literal["rb", "wb"]) -> None:
    with open(descriptor, mode) as file:
        program(file)
