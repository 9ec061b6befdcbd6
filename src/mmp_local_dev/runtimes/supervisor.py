"""The one process that outlives a command: `supervisord` (PyPI: supervisor), which keeps the servers running.

It starts them, restarts them after a crash, rotates their logs, and answers over a private socket. This module
writes its configuration and speaks to it; what the programs are is not known here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

from mmp_local_dev.errors import MmpError, Repair, RuntimeUnavailable
from mmp_local_dev.files import write_if_changed
from mmp_local_dev.processes import MARKER, wait_for_end
from mmp_local_dev.services.base import ProcessSpec

# supervisor's documented fault codes (supervisor/xmlrpc.py)
_DO_NOT_WAIT = False
_BAD_NAME, _ALREADY_STARTED, _NOT_RUNNING, _ALREADY_ADDED = 10, 60, 70, 90


@dataclass(frozen=True)
class Supervisor:
    """The supervisor of one stack. `folder` holds its configuration, `logs` the servers' logs, `socket` its socket."""

    stack_id: str
    folder: Path
    logs: Path
    socket: Path

    @property
    def configuration(self) -> Path:
        """supervisord.conf; holds environments, 0600."""
        return self.folder / "supervisord.conf"

    def running(self) -> bool:
        """Whether it answers."""
        try:
            with self._rpc() as rpc:
                return bool(rpc.getIdentification() == self._identity)
        except OSError:
            return False

    def ensure(self, specs: Mapping[str, ProcessSpec]) -> set[str]:
        """Have it run with these programs, none of them started yet by this call.

        Programs whose definition changed are stopped. Programs that are not in `specs` are left as they are. Returns
        the names whose definition is new or changed.
        """
        previous = _sections(self.configuration)
        sections = previous | {name: self._program(name, spec) for name, spec in specs.items()}
        if not self.running():
            write_if_changed(self.configuration, self._text(sections), mode=0o600)
            self._launch()
            return set(specs)
        if write_if_changed(self.configuration, self._text(sections), mode=0o600):
            self._reload()
        return {name for name in specs if sections[name] != previous.get(name)}

    def defines(self, name: str, spec: ProcessSpec) -> bool:
        """Whether its configuration has just this definition of the program."""
        return _sections(self.configuration).get(name) == self._program(name, spec)

    def start(self, name: str) -> None:
        """Start a program; no harm when it runs already."""
        with self._rpc() as rpc, _tolerating(_ALREADY_STARTED):
            rpc.startProcess(name, _DO_NOT_WAIT)

    def stop(self, name: str) -> bool:
        """Stop a program the way its definition says (ask, wait, kill); whether it ran."""
        with self._rpc() as rpc, _tolerating(_NOT_RUNNING, _BAD_NAME):
            rpc.stopProcess(name)
            return True
        return False

    def state(self, name: str) -> tuple[str, int]:
        """supervisor's word for a program's state (RUNNING, BACKOFF, FATAL, ...) and its pid (0 when it has none)."""
        try:
            with self._rpc() as rpc, _tolerating(_BAD_NAME):
                info = cast(dict[str, Any], rpc.getProcessInfo(name))
                return str(info["statename"]), int(info["pid"])
        except OSError:
            pass
        return "ABSENT", 0

    def shutdown(self, *, timeout: float = 90) -> None:
        """End it, and with it what it still runs; returns when its process has ended, or after `timeout` seconds."""
        import psutil

        try:
            with self._rpc() as rpc:
                process = psutil.Process(int(cast(int, rpc.getPID())))
                rpc.shutdown()
        except (OSError, psutil.NoSuchProcess):
            return
        wait_for_end([process], timeout=timeout)

    @property
    def _identity(self) -> str:
        return f"mmp-dev-{self.stack_id}"

    @contextmanager
    def _rpc(self) -> Iterator[Any]:
        """Its XML-RPC interface. Raises OSError when nothing answers on the socket."""
        try:
            from supervisor.xmlrpc import SupervisorTransport
        except ImportError as error:
            raise ConnectionRefusedError("supervisor is not installed, so it cannot be running") from error
        proxy = ServerProxy("http://localhost", transport=SupervisorTransport(None, None, f"unix://{self.socket}"))
        with proxy:
            yield proxy.supervisor

    def _launch(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "supervisor.supervisord",
            "-c",
            str(self.configuration),
            "-i",
            self._identity,
        ]
        # A fresh environment: nothing of the calling shell (PYTHONPATH, PGPASSWORD, ...) may reach the servers.
        kept = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER") if k in os.environ}
        fresh = {**kept, "PYTHONUTF8": "1", MARKER: self.stack_id}
        result = subprocess.run(
            command,
            env=fresh,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise RuntimeUnavailable(
                "The supervisor of the native servers could not be started.",
                repairs=[Repair(f"cat '{self.logs / 'supervisor.log'}'", "shows what it says")],
                detail=(result.stdout + result.stderr).strip(),
            )
        self._await_answer()

    def _await_answer(self, timeout: float = 10) -> None:
        deadline = time.monotonic() + timeout
        while not self.running():
            if time.monotonic() > deadline:
                raise RuntimeUnavailable(
                    f"The supervisor of the native servers does not answer on {self.socket}.",
                    repairs=[Repair("mmp-dev down", "ends it"), Repair("mmp-dev up", "starts it again")],
                )
            time.sleep(0.02)

    def _reload(self) -> None:
        """Take up the changed configuration: stop and replace what changed, leave the rest alone."""
        with self._rpc() as rpc:
            ((added, changed, _removed),) = cast(list[list[list[str]]], rpc.reloadConfig())
            for name in changed:
                with _tolerating(_NOT_RUNNING):
                    rpc.stopProcessGroup(name)
                rpc.removeProcessGroup(name)
            for name in [*changed, *added]:
                with _tolerating(_ALREADY_ADDED):
                    rpc.addProcessGroup(name)

    def _text(self, sections: Mapping[str, str]) -> str:
        account = "user = root\n" if os.geteuid() == 0 else ""
        return (
            "; Written by mmp-dev at every `up`.\n"
            f"[unix_http_server]\nfile = {_value(str(self.socket))}\nchmod = 0700\n\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n"
            f"[supervisord]\n{account}"
            f"logfile = {_value(str(self.logs / 'supervisor.log'))}\nlogfile_maxbytes = 1MB\nlogfile_backups = 2\n"
            f"pidfile = {_value(str(self.socket.with_name('supervisord.pid')))}\n"
            f"childlogdir = {_value(str(self.logs))}\numask = 077\n\n" + "".join(f"{s}\n" for s in sections.values())
        )

    def _program(self, name: str, spec: ProcessSpec) -> str:
        environment = ",".join(f"{key}={_variable(value)}" for key, value in sorted(spec.environment.items()))
        lines = {
            "command": " ".join(_quoted(argument) for argument in spec.argv),
            "environment": environment,
            "directory": "/",
            "user": spec.user or "",
            "autostart": "false",
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "3",
            "stopsignal": spec.stop_signal,
            "stopwaitsecs": str(spec.stop_timeout),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": _value(_value(str(self.logs / f"{name}.log"))),  # supervisor expands this one twice
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "3",
        }
        body = "".join(f"{key} = {value}\n" for key, value in lines.items() if value)
        return f"[program:{name}]\n{body}"


@contextmanager
def _tolerating(*codes: int) -> Iterator[None]:
    try:
        yield
    except Fault as fault:
        if fault.faultCode not in codes:
            raise MmpError(f"The supervisor of the native servers refused: {fault.faultString}.") from fault


def _sections(configuration: Path) -> dict[str, str]:
    """The `[program:...]` sections of a configuration that `_text` wrote, by name."""
    if not configuration.is_file():
        return {}
    found = {}
    for block in configuration.read_text(encoding="utf-8").split("\n\n"):
        if block.startswith("[program:"):
            found[block.removeprefix("[program:").partition("]")[0]] = block.rstrip("\n") + "\n"
    return found


def _value(text: str) -> str:
    """A value as supervisor's configuration takes it: `%` starts an expansion there."""
    return text.replace("%", "%%")


def _variable(text: str) -> str:
    """A variable's value: supervisor knows both quotes there, but no escapes."""
    quote = "'" if '"' in text else '"'
    return quote + _value(text) + quote


def _quoted(text: str) -> str:
    return '"' + _value(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
