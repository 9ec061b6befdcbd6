"""With real sockets and real processes of our own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mmp_local_dev import processes
from mmp_local_dev.processes import MARKER, PortOwner

Start = Callable[..., psutil.Process]

# `exec` keeps an ignored signal ignored, so that one process is all there is to end.
DEAF = 'trap "" INT; echo ready; exec sleep 60'
POLITE = 'trap "echo asked > $0; exit 0" INT; echo ready; while :; do sleep 0.05; done'

# A parent that never looks after its child, like the first process of many containers.
UNREAPED = f"""exec "{sys.executable}" -c "
import subprocess, time
subprocess.Popen(['sleep', '60'])
print('ready', flush=True)
time.sleep(60)
" """


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a shell script, waits until it says that it is ready, and sees to its end."""
    begun: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str, **environment: str) -> psutil.Process:
        command = ["/bin/sh", "-c", script, *arguments]
        child = subprocess.Popen(
            command, env={"PATH": os.defpath, **environment}, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        begun.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        return psutil.Process(child.pid)

    yield start
    for child in begun:
        child.kill()
        child.communicate(timeout=30)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def no_port() -> int:
    """A port on which nothing listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return port_of(server)


class TestPorts:
    def test_listening_tells_the_address_that_accepts(self, listener: socket.socket) -> None:
        assert processes.listening("127.0.0.1", port_of(listener)) == ["127.0.0.1"]
        assert "127.0.0.1" in processes.listening("localhost", port_of(listener))

    def test_where_nothing_accepts_there_is_nothing(self) -> None:
        assert processes.listening("localhost", no_port()) == []
        assert processes.listening("no-such-host.invalid", 80) == []

    def test_a_port_that_is_only_bound_does_not_accept_and_is_not_free(self) -> None:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            assert processes.listening("127.0.0.1", port_of(bound)) == []
            assert processes.free_port("localhost", port_of(bound) - 1) != port_of(bound)

    def test_the_owner_is_named_with_its_command(self, listener: socket.socket) -> None:
        owner = processes.port_owner(port_of(listener))
        assert owner.pid == os.getpid()
        assert Path(sys.executable).name in owner.command
        assert str(owner) == f"process {os.getpid()} (`{owner.command}`)"

    def test_an_owner_that_is_known_already_is_passed_over(self, listener: socket.socket) -> None:
        assert processes.port_owner(port_of(listener), besides=[os.getpid()]) == PortOwner(0, "")
        assert "another user" in str(PortOwner(0, ""))

    def test_a_client_does_not_listen_on_its_port(self, listener: socket.socket) -> None:
        with socket.create_connection(listener.getsockname()) as client:
            assert not processes.listens(os.getpid(), port_of(client))
            assert processes.listens(os.getpid(), port_of(listener))

    def test_a_process_that_is_gone_listens_on_nothing(self, listener: socket.socket) -> None:
        child = subprocess.Popen(["/bin/true"])
        child.wait(30)
        assert not processes.listens(child.pid, port_of(listener))

    def test_a_free_port_is_above_and_none_of_the_taken(self, listener: socket.socket) -> None:
        first = processes.free_port("localhost", port_of(listener) - 1)
        assert first > port_of(listener)
        second = processes.free_port("localhost", port_of(listener) - 1, taken=[first])
        assert second > first
        with socket.create_server(("127.0.0.1", second)):
            pass

    def test_above_the_last_port_it_begins_anew(self) -> None:
        assert 1024 <= processes.free_port("localhost", 65535) < 65535

    def test_outward_addresses_are_not_loopback(self) -> None:
        found = processes.outward_addresses()
        assert not {"127.0.0.1", "::1"} & set(found)
        assert not [address for address in found if address.startswith(("169.254.", "fe80:")) or "%" in address]


class TestOfStack:
    def test_a_process_is_found_by_an_argument(self, start: Start) -> None:
        identity = uuid.uuid4().hex
        child = start("echo ready; kill -STOP $$", f"mmp_dev.stack_id={identity}")  # without children of its own
        assert processes.of_stack(identity) == [child]

    def test_a_process_is_found_by_its_marker(self, start: Start) -> None:
        identity = uuid.uuid4().hex
        child = start(DEAF, **{MARKER: identity})
        assert processes.of_stack(identity) == [child]

    def test_a_process_of_another_stack_is_not_found(self, start: Start) -> None:
        identity = uuid.uuid4().hex
        start(DEAF, **{MARKER: identity + "0"})
        start(DEAF, MMP_STACK_ID=identity)  # a consumer: it knows the identity and is no server of ours
        assert processes.of_stack(identity) == []

    def test_this_process_and_its_ancestors_are_spared(self) -> None:
        """`mmp-dev run` and the tests of a consumer may well name the stack."""
        identity = uuid.uuid4().hex
        code = f"from mmp_local_dev.processes import of_stack; print(of_stack('{identity}'))"
        script = f'"{sys.executable}" -c "{code}"; : {identity}'
        done = subprocess.run(
            ["/bin/sh", "-c", script, identity], capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout == "[]\n"


class TestEnd:
    def test_who_listens_to_an_interrupt_ends_in_order(self, start: Start, tmp_path: Path) -> None:
        child = start(POLITE, str(tmp_path / "asked"))
        processes.end([child], timeout=30)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        assert (tmp_path / "asked").read_text() == "asked\n"

    def test_who_does_not_listen_is_killed(self, start: Start) -> None:
        child = start(DEAF)
        processes.end([child], timeout=0.1)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

    def test_all_are_asked_before_any_is_killed(self, start: Start, tmp_path: Path) -> None:
        deaf = start(DEAF)
        kills = f'trap "kill -9 {deaf.pid} && echo alive > $0; exit 0" INT; echo ready; while :; do sleep 0.05; done'
        polite = start(kills, str(tmp_path / "deaf"))
        processes.end([deaf, polite], timeout=30)
        assert (tmp_path / "deaf").read_text() == "alive\n"

    def test_who_is_gone_already_is_no_harm(self, start: Start) -> None:
        child = start("echo ready")
        child.wait(30)
        processes.end([child], timeout=1)
        processes.end([], timeout=1)

    def test_who_goes_while_we_look_is_no_harm(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        child = start("echo ready")
        child.wait(30)
        monkeypatch.setattr(psutil.Process, "is_running", lambda _self: True)
        processes.end([child], timeout=1)

    def test_who_has_ended_and_is_not_reaped_has_ended(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[int] = []
        really_send = psutil.Process.send_signal

        def send(process: psutil.Process, number: int) -> None:
            sent.append(number)
            really_send(process, number)

        (child,) = start(UNREAPED).children()
        monkeypatch.setattr(psutil.Process, "send_signal", send)
        processes.end([child], timeout=30)
        assert child.status() == psutil.STATUS_ZOMBIE
        assert sent == [signal.SIGINT]
