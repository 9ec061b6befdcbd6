"""The images of a Compose project: pulled or built, with progress, before anything starts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mmp_local_dev.errors import MmpError, Repair, RuntimeUnavailable
from mmp_local_dev.events import Began, Done, Emit, Progress
from mmp_local_dev.runtimes.docker_compose import Project
from mmp_local_dev.runtimes.docker_engine import Engine
from mmp_local_dev.shell import CommandFailed


def provide(project: Project, services: Sequence[str], engine: Engine, emit: Emit) -> None:
    """See that the engine has the image of each service.

    Raises MmpError with code IMAGE_UNAVAILABLE, naming the image and the variable that takes another one.
    """
    for service in services:
        image = project.image(service)
        if engine.image(image) is not None:
            continue
        step, provide_one = ("build", _build) if project.is_built(service) else ("pull", _pull)
        began = time.monotonic()
        emit(Began(service, step))
        provide_one(project, service, image, engine, emit)
        emit(Done(service, step, time.monotonic() - began))


def override(service: str) -> str:
    """The variable that names another image for a service."""
    return f"MMP_IMAGE_{service.upper()}"


def _build(project: Project, service: str, image: str, _engine: Engine, emit: Emit) -> None:
    def tell(what: str, number: int, of: int) -> None:
        emit(Progress(service, "build", number, of, unit="steps", text=what))

    try:
        project.build(service, tell)
    except CommandFailed as error:
        raise MmpError(
            f"The image {image} of {service} could not be built.",
            repairs=[
                Repair("PIP_INDEX_URL=https://your.index/simple mmp-dev up", "takes the packages from your index"),
                Repair("MMP_IMAGE_PYTHON=your/python:3.13-slim mmp-dev up", "builds on an image that you have"),
                Repair(f"{override(service)}=your/image mmp-dev up", "takes a ready one"),
            ],
            detail=error.detail,
            code="IMAGE_UNAVAILABLE",
        ) from None


def _pull(_project: Project, service: str, image: str, engine: Engine, emit: Emit) -> None:
    def tell(done: int, total: int) -> None:
        emit(Progress(service, "pull", done, total, unit="bytes", text=image))

    try:
        engine.pull(image, tell)
    except RuntimeUnavailable:
        raise
    except MmpError as error:
        raise MmpError(
            f"The image {image} of {service} is not on this machine and cannot be pulled. {error.message}",
            repairs=[
                Repair(f"{override(service)}=your/image:tag mmp-dev up", "takes another image"),
                Repair("MMP_IMAGE_PREFIX=your.mirror/ mmp-dev up", "takes all images from a mirror"),
            ],
            code="IMAGE_UNAVAILABLE",
        ) from None
