"""What can be wrong with Docker on a machine, told apart, each with its repair."""

from __future__ import annotations

import shutil
import socket
import sys
from urllib.parse import urlsplit

from mmp_local_dev.errors import MmpError, Repair, RuntimeUnavailable


def refusal(said: str) -> MmpError:
    """The error for what the engine answered when it could not do something."""
    if "no space left on device" in said.lower():
        return MmpError(
            f"The disk of the Docker engine is full: {said}",
            repairs=[
                Repair("docker system df", "shows what takes the room"),
                Repair("docker builder prune", "deletes what builds have cached, and no data"),
            ],
            code="DISK_FULL",
        )
    return MmpError(f"Docker says: {said}", code="DOCKER_FAILED")


def check_socket(host: str) -> None:
    """See that something answers at a socket of this machine: tells a stopped engine from a forbidden one."""
    address = urlsplit(host)
    if address.scheme != "unix":
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(address.path)
        except PermissionError:
            raise RuntimeUnavailable(
                f"You may not use the Docker engine: {address.path} does not admit this user.",
                repairs=[
                    Repair('sudo usermod -aG docker "$(id -un)" && newgrp docker', "lets you, once you log in again"),
                ],
                code="DOCKER_PERMISSION",
            ) from None
        except OSError as error:
            raise stopped(host, error.strerror or str(error)) from None


def stopped(host: str, why: str) -> RuntimeUnavailable:
    """The error for an engine that does not answer at `host`."""
    return RuntimeUnavailable(
        f"The Docker engine at {host} does not answer: {why.rstrip('.')}.",
        repairs=[_start()],
        code="DOCKER_STOPPED",
    )


def missing() -> RuntimeUnavailable:
    """The error for a machine without the `docker` command."""
    return RuntimeUnavailable(
        "There is no `docker` command on PATH, so nothing can run on Docker Compose.",
        repairs=[_install()],
        code="DOCKER_MISSING",
    )


def _install() -> Repair:
    if sys.platform == "darwin":
        return Repair("brew install --cask docker-desktop && open -a Docker", "installs Docker Desktop")
    if shutil.which("apt-get"):
        return Repair("sudo apt-get install docker.io docker-compose-v2", "installs Docker and Compose on Ubuntu")
    return Repair("", "install Docker and its Compose plugin: https://docs.docker.com/engine/install/")


def _start() -> Repair:
    if sys.platform == "darwin":
        return Repair("open -a Docker", "starts Docker Desktop")
    if shutil.which("systemctl"):
        return Repair("sudo systemctl start docker", "starts it")
    return Repair("sudo service docker start", "starts it")
