"""The Docker engine: whether it answers, and what it knows about the containers of a stack.

docker-py reads; what changes something goes through `docker compose` (see docker_compose.py).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmp_local_dev import shell
from mmp_local_dev.errors import MmpError, Repair, RuntimeUnavailable
from mmp_local_dev.processes import PortOwner
from mmp_local_dev.runtimes import docker_failures

if TYPE_CHECKING:
    from docker import APIClient

STACK_LABEL = "mmp-local-dev.stack"
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
_HASH_LABEL = "com.docker.compose.config-hash"
_TIMEOUT = 60


@dataclass(frozen=True)
class Container:
    """A container as the engine describes it. `port` is the one published on the host, 0 for none; `started` is the
    moment of its last start, in ISO 8601."""

    id: str
    name: str
    project: str
    service: str
    status: str
    health: str
    restarts: int
    started: str
    pid: int
    config_hash: str
    port: int


class Engine:
    """The engine that the `docker` command of this shell talks to. Every method may raise RuntimeUnavailable."""

    @cached_property
    def host(self) -> str:
        """Its address, as the command's context or DOCKER_HOST say it."""
        if shutil.which("docker") is None:
            raise docker_failures.missing()
        argv = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
        try:
            return shell.run(argv, timeout=20).strip()
        except shell.CommandFailed as error:
            raise RuntimeUnavailable(
                f"`docker` does not know which engine to talk to: {error.detail}",
                repairs=[Repair("docker context use default", "takes the engine of this machine")],
                code="DOCKER_CONTEXT",
            ) from None

    @cached_property
    def _api(self) -> APIClient:
        docker_failures.check_socket(self.host)
        from docker import APIClient
        from docker.errors import DockerException, TLSParameterError
        from docker.utils import kwargs_from_env

        try:
            tls: Any = kwargs_from_env().get("tls", False)
            return APIClient(base_url=self.host, version="auto", timeout=_TIMEOUT, tls=tls)
        except (DockerException, TLSParameterError) as error:
            raise docker_failures.stopped(self.host, str(error)) from None

    def version(self) -> tuple[str, str]:
        """Its name and version, such as `Docker Engine - Community` and `28.2.2`."""
        with self._calls() as api:
            told = api.version(api_version=False)
        return str((told.get("Platform") or {}).get("Name") or "Docker Engine"), str(told["Version"])

    def is_rootless(self) -> bool:
        """Whether root in a container is the calling user outside, as in rootless Docker and Podman."""
        with self._calls() as api:
            return any("rootless" in option for option in api.info().get("SecurityOptions") or [])

    def free_bytes(self) -> int | None:
        """The room on the disk of its data; None when that is on another machine or in a virtual one."""
        with self._calls() as api:
            root = str(api.info().get("DockerRootDir", ""))
        with suppress(OSError):
            if self.host.startswith("unix://") and sys.platform == "linux":
                return shutil.disk_usage(root).free
        return None

    def containers(self, stack_id: str) -> dict[str, Container]:
        """The containers of a stack, by service."""
        return {each.service: each for each in self.labelled(f"{STACK_LABEL}={stack_id}")}

    def labelled(self, label: str) -> list[Container]:
        """The containers with that label, running or not."""
        with self._calls() as api:
            found = api.containers(all=True, filters={"label": label})
            return [_container(inspected) for one in found if (inspected := _inspected(api, one["Id"]))]

    def named(self, name: str) -> Container | None:
        """The container of that name, wherever it comes from."""
        with self._calls() as api:
            inspected = _inspected(api, name)
        return _container(inspected) if inspected else None

    def volumes(self, label: str) -> dict[str, Mapping[str, str]]:
        """The labels of each volume that has that one."""
        with self._calls() as api:
            found = api.volumes(filters={"label": label})["Volumes"] or []
        return {volume["Name"]: volume["Labels"] or {} for volume in found}

    def networks(self, label: str) -> dict[str, Mapping[str, str]]:
        """The labels of each network that has that one."""
        with self._calls() as api:
            found = api.networks(filters={"label": label})
        return {network["Name"]: network["Labels"] or {} for network in found}

    def volume_labels(self, name: str) -> Mapping[str, str] | None:
        """The labels of that volume; None when there is none."""
        from docker.errors import NotFound

        with self._calls() as api:
            try:
                return api.inspect_volume(name)["Labels"] or {}
            except NotFound:
                return None

    def remove_volumes(self, names: Iterable[str]) -> None:
        """Delete volumes that no container uses."""
        with self._calls() as api:
            for name in names:
                api.remove_volume(name)

    def network_exists(self, name: str) -> bool:
        """Whether there is a network of exactly that name."""
        with self._calls() as api:
            return any(network["Name"] == name for network in api.networks(names=[name]))

    def image(self, name: str) -> Mapping[str, Any] | None:
        """What the engine says of an image that it has; None when it has none of that name."""
        from docker.errors import ImageNotFound

        with self._calls() as api:
            try:
                found: Mapping[str, Any] = api.inspect_image(name)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return None
        return found

    def pull(self, name: str, progress: Callable[[int, int], None]) -> None:
        """Pull an image, telling bytes done and known so far. Raises CommandFailed's kin with the registry's answer."""
        layers: dict[str, tuple[int, int]] = {}
        with self._calls() as api:
            for said in api.pull(name, stream=True, decode=True, tag=None if _has_tag(name) else "latest"):
                if "error" in said:
                    raise MmpError(str(said["error"]), code="IMAGE_UNAVAILABLE")
                detail = said.get("progressDetail") or {}
                if said.get("status") == "Downloading" and detail.get("total"):
                    layers[said["id"]] = (detail["current"], detail["total"])
                elif said.get("status") in ("Download complete", "Pull complete") and said["id"] in layers:
                    layers[said["id"]] = (layers[said["id"]][1],) * 2
                progress(sum(done for done, _ in layers.values()), sum(total for _, total in layers.values()))

    def read_volume(self, volume: str, paths: Sequence[str], *, image: str) -> list[bytes | None]:
        """Small files of a volume; None for each that is not there. `image` is any image that the engine has.

        Read through a container that is made and removed, and never runs.
        """
        with self._calls() as api:
            host_config = api.create_host_config(binds=[f"{volume}:/volume:ro"])
            made = api.create_container(image, host_config=host_config)["Id"]
            try:
                return [_file(api, made, f"/volume/{path}") for path in paths]
            finally:
                api.remove_container(made, force=True, v=True)

    def logs(self, container_id: str, *, tail: int, since: str, follow: bool) -> Iterator[bytes]:
        """What a container says, in pieces as they come: the last `tail` lines, or those since a moment if it is given.

        Ends with the container.
        """
        from docker.errors import NotFound

        lines: dict[str, Any] = {"since": datetime.fromisoformat(since).timestamp()} if since else {"tail": tail}
        with self._calls() as api, suppress(NotFound):
            if follow:
                yield from api.logs(container_id, **lines, stream=True, follow=True)
            else:
                yield bytes(api.logs(container_id, **lines))

    def port_owner(self, port: int) -> PortOwner | None:
        """The running container that publishes that port on the host; None when none does."""
        with self._calls() as api:
            for one in api.containers():
                if any(published.get("PublicPort") == port for published in one.get("Ports") or []):
                    name = one["Names"][0].lstrip("/")
                    inspected = _inspected(api, one["Id"]) or {}
                    return PortOwner(int(inspected.get("State", {}).get("Pid", 0)), one["Image"], container=name)
        return None

    @contextmanager
    def _calls(self) -> Iterator[APIClient]:
        """The client; what it cannot do leaves as RuntimeUnavailable, or as MmpError when the engine says no."""
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException

        try:
            yield self._api
        except APIError as error:
            raise docker_failures.refusal(str(error.explanation or error)) from None
        except (DockerException, RequestException, OSError) as error:
            raise docker_failures.stopped(self.host, str(error)) from None


def _inspected(api: APIClient, container: str) -> dict[str, Any] | None:
    """None for one that has gone since it was listed."""
    from docker.errors import NotFound

    try:
        found: dict[str, Any] = api.inspect_container(container)
    except NotFound:
        return None
    return found


def _file(api: APIClient, container: str, path: str) -> bytes | None:
    import io
    import tarfile

    from docker.errors import NotFound

    try:
        stream, _ = api.get_archive(container, path)
    except NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        return member.read() if member else None


def _container(inspected: Mapping[str, Any]) -> Container:
    labels, state = inspected["Config"]["Labels"] or {}, inspected["State"]
    bindings = (inspected["HostConfig"].get("PortBindings") or {}).values()
    published = [int(binding["HostPort"] or 0) for ports in bindings for binding in ports or []]
    return Container(
        id=inspected["Id"],
        name=inspected["Name"].lstrip("/"),
        project=labels.get(PROJECT_LABEL, ""),
        service=labels.get(SERVICE_LABEL, ""),
        status=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        started=state["StartedAt"],
        restarts=inspected.get("RestartCount", 0),
        pid=state["Pid"],
        config_hash=labels.get(_HASH_LABEL, ""),
        port=published[0] if published else 0,
    )


def _has_tag(image: str) -> bool:
    return ":" in image.rpartition("/")[2]


def environment() -> dict[str, str]:
    """This program's environment without what would steer `docker compose` elsewhere than to our file and project."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
