"""Processes of this machine: who holds a port, and which ones belong to a stack.

A process belongs to a stack when its command line, or MARKER in its environment, carries the stack's id. That holds
through stale pid files, reused pids and a supervisor that is gone.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MARKER = "MMP_DEV_SUPERVISED"


@dataclass(frozen=True)
class PortOwner:
    """The process that listens on a port; pid 0 and an empty command line when the system does not tell.

    `container` is the name of the container that it runs in, or ""; `command` is then the container's image.
    """

    pid: int
    command: str
    container: str = ""

    def __str__(self) -> str:
        if self.container:
            return f"the container {self.container} of {self.command} (`docker stop {self.container}` stops it)"
        return f"process {self.pid} (`{self.command}`)" if self.pid else "a process of another user"


def listening(host: str, port: int) -> list[str]:
    """The addresses that `host` stands for at which anything accepts connections on `port`."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(address[0]) for family, _, _, _, address in addresses if _accepts(family, address)]


def _accepts(family: int, address: tuple[object, ...]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


def is_loopback(host: str) -> bool:
    """Whether a host's name or address stands for this machine's loopback and nothing else."""
    import ipaddress

    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def outward_addresses() -> list[str]:
    """This machine's addresses other than loopback and link-local ones."""
    import ipaddress

    import psutil

    found = []
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                parsed = ipaddress.ip_address(address.address.partition("%")[0])
                if not parsed.is_loopback and not parsed.is_link_local:
                    found.append(str(parsed))
    return found


def listens(pid: int, port: int) -> bool:
    """Whether that process, or one that it started, listens on `port`."""
    import psutil

    try:
        process = psutil.Process(pid)
        return _listens(process, port) or any(_listens(child, port) for child in process.children(recursive=True))
    except psutil.Error:
        return False


def free_port(host: str, after: int, taken: Sequence[int] = ()) -> int:
    """The first port above `after`, or else above 1023, on which nothing listens and which is not in `taken`."""
    for port in chain(range(after + 1, 65536), range(1024, after)):
        if port not in taken and not listening(host, port) and _bindable(port):
            return port
    raise OSError("no port is free")


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_owner(port: int, *, besides: Sequence[int] = ()) -> PortOwner:
    """A process that listens on `port` and is not one of `besides`, as far as this user may know."""
    import psutil

    for process in psutil.process_iter():
        try:
            if process.pid not in besides and _listens(process, port):
                return PortOwner(process.pid, _command(process))
        except psutil.Error:
            continue
    return PortOwner(0, "")


def _listens(process: psutil.Process, port: int) -> bool:
    import psutil

    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in process.net_connections("tcp"))


def of_stack(stack_id: str) -> list[psutil.Process]:
    """Every process that belongs to the stack, except this one, its ancestors, and those of containers."""
    import psutil

    this = psutil.Process()
    mine = {this.pid, *(p.pid for p in this.parents())}
    carrying = [p for p in psutil.process_iter() if p.pid not in mine and _carries(p, stack_id)]
    return [p for p in carrying if not _is_in_container(p.pid)]


def end(processes: Sequence[psutil.Process], *, timeout: float) -> None:
    """Interrupt each process, wait up to `timeout` seconds for all, and kill what is left.

    SIGINT is what PostgreSQL, Redis and uvicorn alike take for an orderly and prompt stop.
    """
    _send(signal.SIGINT, processes)
    alive = wait_for_end(processes, timeout=timeout)
    _send(signal.SIGKILL, alive)
    wait_for_end(alive, timeout=5)


def wait_for_end(processes: Sequence[psutil.Process], *, timeout: float) -> list[psutil.Process]:
    """Wait until the processes have ended; those that still run after `timeout` seconds.

    A zombie has ended. psutil would wait for somebody to reap it, which in a container whose first process is, say,
    `sleep infinity` nobody ever does.
    """
    deadline = time.monotonic() + timeout
    while (alive := [process for process in processes if _runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def _runs(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(number: signal.Signals, processes: Sequence[psutil.Process]) -> None:
    import psutil

    for process in processes:
        with suppress(psutil.NoSuchProcess):  # gone by itself; psutil sees to it that a reused pid is not hit
            process.send_signal(number)


def _carries(process: psutil.Process, stack_id: str) -> bool:
    import psutil

    try:
        return any(stack_id in argument for argument in process.cmdline()) or process.environ().get(MARKER) == stack_id
    except psutil.Error:
        return False


def _is_in_container(pid: int) -> bool:
    """Whether a process has other process ids inside than for us, or is another user's, which we could not end either.

    Where there is no /proc, containers run in a virtual machine and are not seen at all.
    """
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
    except PermissionError:
        return True
    except OSError:
        return False


def _command(process: psutil.Process) -> str:
    import psutil

    try:
        return " ".join(process.cmdline())[:200] or process.name()
    except psutil.Error:
        return "?"
