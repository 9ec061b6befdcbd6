"""Registers the definitions of a Feast repository: a program of its own, the only one that runs users' definitions.

`python -P -m mmp_local_dev.services.feast_apply REPOSITORY REGISTRY` reads the definitions, waits for a byte on stdin
(Feast may ask the offline store for types from then on), and writes to the file REGISTRY and to nothing else: what has
to change in the online store is the affair of whoever accepts that registry. What the definitions print goes to stderr.
stdout gets one JSON object: `project` and `key_version`; or `kind` (one of KINDS), `why`, and `file` and `line`, which
are "" and 0 where the place is not known.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feast import RepoConfig
    from feast.repo_contents import RepoContents

CONFIGURATION = "feature_store.yaml"

# What can fail: Feast is not there, or not all of it; its configuration; the definitions as a program, or as a whole;
# the machine, as when its disk is full.
KINDS = ("feast", "configuration", "definitions", "objects", "machine")

_LONGEST = 4000  # characters of `why`: an answer has to fit into a pipe that nobody reads yet
_ROOM = 2**20  # bytes by which a registry may grow; a thousand views take about as much
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class _Mistake(Exception):
    """Something that Feast would take, and that would not work; the text says why."""

    def __init__(self, why: str, file: str = "", line: int = 0) -> None:
        super().__init__(why)
        self.file, self.line = file, line


def main(arguments: Sequence[str]) -> None:
    """Register them, and tell on stdout how that went. Raises nothing."""
    repository, registry = (Path(argument).resolve() for argument in arguments)
    with _pipes() as (start, answer):
        os.write(answer, json.dumps(_outcome(repository, registry, start)).encode())


@contextmanager
def _pipes() -> Iterator[tuple[int, int]]:
    """Stdin and stdout for ourselves, closed before any thread is waited for. Whatever prints writes to stderr."""
    start, answer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    try:
        yield start, answer
    finally:
        for each in (start, answer, nothing):
            os.close(each)


def _outcome(repository: Path, registry: Path, start: int) -> dict[str, Any]:
    kind, caller = "feast", os.getppid()
    try:
        import feast.repo_operations  # noqa: F401 -- it takes seconds, and may not be there

        kind = "configuration"
        configuration = _configuration(repository, registry)
        kind = "definitions"
        contents = _definitions(repository, configuration.project)
        if not os.read(start, 1) or os.getppid() != caller:
            raise _Mistake("whoever wanted it is gone")
        kind = "objects"
        _check_room(registry)
        _apply(configuration, contents, repository)
    except BaseException as error:  # a definition may well call sys.exit
        file, line = _place(error, repository)
        return {"kind": _kind(error, kind), "why": _why(error)[:_LONGEST], "file": file, "line": line}
    return {"project": configuration.project, "key_version": configuration.entity_key_serialization_version}


def _configuration(repository: Path, registry: Path) -> RepoConfig:
    """What feature_store.yaml says, with another registry and without an online store."""
    from feast.repo_config import load_repo_config

    found = load_repo_config(repository, repository / CONFIGURATION)
    for what, variable, told in (
        ("the registry", "FEAST_REGISTRY_PATH", found.registry.path),
        ("the project", "FEAST_PROJECT", found.project),
    ):
        if told != os.environ.get(variable):
            raise _Mistake(f"{what} is {told}, and {variable} says {os.environ.get(variable)}", CONFIGURATION)
    found.registry_config, found._registry = {"path": str(registry)}, None
    found.online_config, found._online_store = None, None
    return found


def _definitions(repository: Path, project: str) -> RepoContents:
    """All that the files define. The folder becomes the working directory, as it is for Feast's own commands."""
    from feast.project import Project
    from feast.repo_operations import parse_repo

    os.chdir(repository)
    sys.path.append(str(repository))
    sys.dont_write_bytecode = True
    contents = parse_repo(repository)
    _check_names(repository)
    if sum(len(each) for each in contents) == 1:  # an entity of Feast's own
        raise _Mistake("no file defines anything")
    if len(contents.projects) > 1:
        raise _Mistake(f"several projects are defined: {', '.join(each.name for each in contents.projects)}")
    if not contents.projects:
        contents.projects.append(Project(name=project))
    elif contents.projects[0].name != project:
        raise _Mistake(f"the project {contents.projects[0].name} is defined, and {CONFIGURATION} is of {project}")
    return contents


def _check_names(repository: Path) -> None:
    """A file with the name of a module that was loaded before is not what Feast has imported under that name."""
    from feast.repo_operations import get_repo_files, py_path_to_module

    for file in get_repo_files(repository):
        name = py_path_to_module(file)
        loaded = getattr(sys.modules.get(name), "__file__", None)
        if loaded is None or Path(loaded).resolve() != file:
            raise _Mistake(f"another module is called {name}; give the file another name", file.name)


def _check_room(registry: Path) -> None:
    """Feast takes no notice of a registry that it could write in part only."""
    size = registry.stat().st_size if registry.exists() else 0
    with tempfile.TemporaryFile(dir=registry.parent) as file:
        file.write(bytes(2 * size + _ROOM))
        file.flush()


def _apply(configuration: RepoConfig, contents: RepoContents, repository: Path) -> None:
    from feast import FeatureStore
    from feast.repo_operations import apply_total_with_repo_instance

    _check_sources(configuration, contents, repository)
    store = FeatureStore(config=configuration)
    apply_total_with_repo_instance(store, configuration.project, store.registry, contents, skip_source_validation=False)


def _check_sources(configuration: RepoConfig, contents: RepoContents, repository: Path) -> None:
    """Feast finds out about a source that its offline store cannot read when it reads."""
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource

    if configuration.offline_store.type != "postgres":
        return
    for view in (*contents.feature_views, *contents.stream_feature_views):
        source = view.batch_source
        if source is not None and not isinstance(source, PostgreSQLSource):
            why = f"{view.name} has a {type(source).__name__}; the offline store reads nothing but a PostgreSQLSource"
            raise _Mistake(why, *_line_of(view.name, repository))


def _line_of(name: str, repository: Path) -> tuple[str, int]:
    """Where the definitions write this name for the first time."""
    from feast.repo_operations import get_repo_files

    for file in get_repo_files(repository):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(rf"(['\"]){re.escape(name)}\1", line):
                return str(file.relative_to(repository)), number
    return "", 0


def _kind(error: BaseException, kind: str) -> str:
    """Feast imports what a store needs when it is configured, and asks nothing of the machine but to write its file."""
    if type(error).__name__ == "FeastExtrasDependencyImportError":
        return "feast"
    return "machine" if kind == "objects" and isinstance(error, OSError) else kind


def _place(error: BaseException, repository: Path) -> tuple[str, int]:
    """File (relative to the repository) and line, as far as they are known."""
    if isinstance(error, _Mistake):
        return error.file, error.line
    if mark := getattr(error, "problem_mark", None):  # YAML's
        return CONFIGURATION, mark.line + 1
    places = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno or 0))
    inside = [(Path(file), line) for file, line in places if Path(file).is_relative_to(repository)]
    return (str(inside[-1][0].relative_to(repository)), inside[-1][1]) if inside else ("", 0)


def _why(error: BaseException) -> str:
    """One sentence. What pydantic refuses is told without the values, among which are passwords."""
    if isinstance(error, _Mistake):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, SystemExit):
        return f"it ends the program with sys.exit({error.code!r})"
    if problem := getattr(error, "problem", None):
        return f"it is no YAML: {problem}"
    refused: Any = error.__context__
    if hasattr(refused, "errors"):
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in refused.errors())
    return f"{type(error).__name__}: {_COLOUR.sub('', str(error)).strip()}"


if __name__ == "__main__":
    main(sys.argv[1:])
