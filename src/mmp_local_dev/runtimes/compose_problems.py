"""What may be in the way of a stack on Compose, besides ports: files, names, room, and data of another version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmp_local_dev import workspace_files
from mmp_local_dev.errors import MmpError, PreflightFailed, Repair
from mmp_local_dev.runtimes.compose_names import PROJECT, VOLUMES, WITH_VOLUMES
from mmp_local_dev.runtimes.docker_compose import FILE, Project
from mmp_local_dev.runtimes.docker_engine import PROJECT_LABEL, STACK_LABEL, Engine
from mmp_local_dev.services import postgresql_server

_FILES = (FILE, *(name for name in workspace_files.FILES if name.startswith("mlflow/") or name.endswith(".sh")))
_MADE_LAST = "server.pem"  # what scripts/postgresql-init.sh writes, once initdb is done
_LEAST_FREE_BYTES = 500_000_000


def missing_files(root: Path) -> Iterator[MmpError]:
    """Files of the workspace that the containers are made of."""
    if missing := [name for name in _FILES if not (root / name).is_file()]:
        yield PreflightFailed(
            f"{root} lacks {', '.join(missing)}, without which its services cannot run on Compose.",
            repairs=[Repair("mmp-dev init", "writes what is missing and leaves the rest as it is")],
        )


def full_disk(engine: Engine) -> Iterator[MmpError]:
    """Too little room where the engine keeps images and volumes."""
    free = engine.free_bytes()
    if free is not None and free < _LEAST_FREE_BYTES:
        yield PreflightFailed(
            f"Only {free // 1_000_000} MB are free where the Docker engine keeps its data; the servers need at "
            f"least {_LEAST_FREE_BYTES // 1_000_000} MB to run safely.",
            repairs=[
                Repair("docker system df", "shows what takes the room"),
                Repair("docker builder prune", "deletes what builds have cached, and no data"),
            ],
            code="DISK_FULL",
        )


def taken_names(engine: Engine, project: str, services: Sequence[str], stack_id: str) -> Iterator[MmpError]:
    """Containers of the names that ours get, from elsewhere."""
    own = {container.name for container in engine.containers(stack_id).values()}
    for name in (f"{project}-{service}-1" for service in services):
        if name not in own and engine.named(name):
            yield PreflightFailed(
                f"A container called {name} is there already and is not of this stack.",
                repairs=[
                    Repair(f"docker rename {name} {name}-old", "keeps it under another name"),
                    Repair(f"docker rm {name}", "removes it, if it does not run"),
                    Repair(f"{PROJECT}={project}-2 mmp-dev up", "gives this stack's containers other names"),
                ],
                code="NAME_CONFLICT",
            )


def foreign_volumes(engine: Engine, volumes: str, stack_id: str) -> Iterator[MmpError]:
    """Volumes of another stack under the names that ours have."""
    for service in WITH_VOLUMES:
        labels = engine.volume_labels(f"{volumes}_{service}") or {}
        if labels.get(STACK_LABEL, stack_id) != stack_id:
            yield PreflightFailed(
                f"The volume {volumes}_{service} holds the data of another stack, of the project "
                f"{labels.get(PROJECT_LABEL, '?')}.",
                repairs=[Repair(f"{VOLUMES}={volumes}-2 mmp-dev up", "gives this stack volumes of its own")],
                code="NAME_CONFLICT",
            )


def unusable_data(engine: Engine, project: Project, volumes: str, stack_id: str) -> Iterator[MmpError]:
    """An image of PostgreSQL, or data, that is not of this stack's major, and data that was left half made."""
    running = engine.containers(stack_id).get("postgresql")
    if running and running.status == "running":
        return
    image = project.image("postgresql")
    described = engine.image(image)
    if described is None:
        return
    variables = dict(line.partition("=")[::2] for line in described["Config"]["Env"] or [])
    if (offered := variables.get("PG_MAJOR", str(postgresql_server.MAJOR))) != str(postgresql_server.MAJOR):
        yield _major_of_image(image, offered)
        return
    volume = f"{volumes}_postgresql"
    if engine.volume_labels(volume) is not None:
        version, certificate = engine.read_volume(volume, ["PG_VERSION", _MADE_LAST], image=image)
        found = (version or b"").decode().strip()
        if found not in ("", str(postgresql_server.MAJOR)):
            yield _major_of_data(project.name, volumes, found)
        elif found and certificate is None:
            yield _half_made(volume)


def _major_of_image(image: str, offered: str) -> MmpError:
    return PreflightFailed(
        f"The image {image} is of PostgreSQL {offered}; this stack runs {postgresql_server.MAJOR}.",
        repairs=[Repair("env -u MMP_IMAGE_POSTGRESQL mmp-dev up", "takes the image of the compose file")],
        code="DATA_VERSION",
    )


def _half_made(volume: str) -> MmpError:
    return PreflightFailed(
        f"The data directory of PostgreSQL in the volume {volume} is half made: its first start was broken off. It "
        "never held anything of yours.",
        repairs=[Repair(f"mmp-dev down && docker volume rm {volume} && mmp-dev up", "makes it anew")],
        code="DATA_INCOMPLETE",
    )


def _major_of_data(project: str, volumes: str, found: str) -> MmpError:
    new = f"{volumes}-{postgresql_server.MAJOR}"
    dump = (
        f"docker run -d --name old-postgresql -v {volumes}_postgresql:/var/lib/postgresql/data postgres:{found} "
        "&& sleep 5 && docker exec old-postgresql pg_dumpall -U postgres --clean --if-exists > all.sql "
        "&& docker rm -f old-postgresql"
    )
    copy = f"docker run --rm -v {volumes}_redis:/from -v {new}_redis:/to redis:8-alpine cp -a /from/. /to/"
    return PreflightFailed(
        f"The data in the volume {volumes}_postgresql was made by PostgreSQL {found}; this stack runs "
        f"{postgresql_server.MAJOR}, which cannot read it. Nothing was changed. To move it, in this order:",
        repairs=[
            Repair(dump, f"writes everything that PostgreSQL {found} holds to all.sql"),
            Repair(copy, "copies what Redis holds"),
            Repair(f"{VOLUMES}={new} mmp-dev up postgresql", "starts with new volumes; the old ones stay"),
            Repair(f"docker exec -i {project}-postgresql-1 psql -qU postgres < all.sql", "reads it in"),
            Repair("mmp-dev up", "goes on"),
        ],
        code="DATA_VERSION",
    )
