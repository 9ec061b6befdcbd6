"""Python: the variables, services, features, tables and MLflow functions that a module uses, from its syntax tree."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from mmp_local_dev.contract.infer import sql
from mmp_local_dev.contract.infer.sightings import Sighting, is_reference, variable

_SERVICES: Mapping[str, str] = {
    "asyncpg": "postgresql",
    "mlflow": "mlflow",
    "psycopg": "postgresql",
    "psycopg2": "postgresql",
    "redis": "redis",
    "sqlalchemy": "postgresql",
}
# Functions of mlflow and methods of its client, by what the server has to be able to do for them.
_CAPABILITIES: Mapping[str, frozenset[str]] = {
    "tracking": frozenset(
        {"set_experiment", "create_experiment", "start_run", "search_runs", "get_run", "set_tag", "set_tags"}
        | {"log_metric", "log_metrics", "log_param", "log_params", "autolog", "get_experiment_by_name"}
    ),
    "artifact_proxy": frozenset(
        {"log_artifact", "log_artifacts", "log_model", "log_dict", "log_text", "log_figure", "log_image", "log_table"}
        | {"download_artifacts", "load_model"}
    ),
    "model_registry": frozenset(
        {"register_model", "create_registered_model", "get_registered_model", "search_registered_models"}
        | {"create_model_version", "get_model_version", "search_model_versions", "get_latest_versions"}
        | {"set_registered_model_alias", "get_model_version_by_alias", "transition_model_version_stage"}
    ),
}
_FEATURE_READS: Mapping[str, str] = {"get_online_features": "redis", "get_historical_features": "postgresql"}


def sightings(text: str) -> Iterator[Sighting]:
    """What the module relies on. Raises SyntaxError for what is no Python, ValueError for what is no text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the escapes in somebody else's strings
        tree = ast.parse(text)
    return _Module(tree).sightings()


class _Module:
    """One module: what it imports decides what its calls mean."""

    def __init__(self, tree: ast.Module) -> None:
        self._nodes = list(_without_docstrings(tree))
        self._imports = _imports(self._nodes)
        self._constants = dict(_constants(tree))

    def sightings(self) -> Iterator[Sighting]:
        for library, line in self._imports.items():
            if service := _SERVICES.get(library):
                yield Sighting(("service", service), line)
        for node in self._nodes:
            yield from chain(self._variables(node), self._calls(node), self._features(node), _queries(node))

    def _variables(self, node: ast.AST) -> Iterator[Sighting]:
        """`os.environ["X"]`, `environ.get("X", ...)`, `getenv("X")`, `"X" in os.environ`."""
        match node:
            case ast.Subscript(value=of, slice=name, ctx=ast.Load()) if _is(of, "environ"):
                yield from self._variable(name, optional=False)
            case ast.Call(func=function, args=[name, *rest], keywords=named) if _reads_environment(function):
                yield from self._variable(name, optional=bool(rest or named))
            case ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[of]) if _is(of, "environ"):
                yield from self._variable(name, optional=True)

    def _variable(self, name: ast.expr, *, optional: bool) -> Iterator[Sighting]:
        text = self._constants.get(name.id) if isinstance(name, ast.Name) else _text(name)
        if text:
            yield from variable(text, name.lineno, optional=optional)

    def _calls(self, node: ast.AST) -> Iterator[Sighting]:
        """Functions of MLflow and of Feast, and the registry in `models:/name`."""
        if "mlflow" in self._imports and (text := _text(node)) and text.startswith("models:/"):
            yield Sighting(("mlflow", "model_registry"), getattr(node, "lineno", 1))
        if not isinstance(node, ast.Call):
            return
        name = _name(node.func)
        if "mlflow" in self._imports:
            used = [capability for capability, functions in _CAPABILITIES.items() if name in functions]
            if any(keyword.arg == "registered_model_name" for keyword in node.keywords):
                used.append("model_registry")
            yield from (Sighting(("mlflow", capability), node.lineno) for capability in used)
        if "feast" in self._imports and name in _FEATURE_READS:
            yield Sighting(("service", _FEATURE_READS[name]), node.lineno)

    def _features(self, node: ast.AST) -> Iterator[Sighting]:
        """Lists of nothing but `view:feature`, in modules that use Feast."""
        if "feast" in self._imports and isinstance(node, ast.List | ast.Tuple) and node.elts:
            texts = [_text(element) or "" for element in node.elts]
            if all(map(is_reference, texts)):
                pairs = zip(texts, node.elts, strict=True)
                yield from (Sighting(("feature", text), element.lineno) for text, element in pairs)


def _without_docstrings(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but strings that stand by themselves."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return (node for node in ast.walk(tree) if not (isinstance(node, ast.Constant) and id(node) in alone))


def _imports(nodes: Iterable[ast.AST]) -> Mapping[str, int]:
    """The libraries that a module loads, each with the line that does so first."""
    first: dict[str, int] = {}
    for library, line in chain.from_iterable(map(_imported, nodes)):
        first[library] = min(line, first.get(library, line))
    return first


def _imported(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The libraries that an import statement loads, by their top-level names, and its line."""
    if isinstance(node, ast.Import):
        yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0], node.lineno


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names of a module that stand for a text."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and (text := _text(node.value)):
            yield from ((target.id, text) for target in node.targets if isinstance(target, ast.Name))


def _reads_environment(function: ast.expr) -> bool:
    is_get = isinstance(function, ast.Attribute) and function.attr == "get" and _is(function.value, "environ")
    return is_get or _is(function, "getenv")


def _is(node: ast.expr, name: str) -> bool:
    """Whether it is `name` or `anything.name`."""
    return _name(node) == name


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _queries(node: ast.AST) -> Iterator[Sighting]:
    """What the SQL in a string reads; what an f-string puts in is left open."""
    text = _text(node)
    if isinstance(node, ast.JoinedStr):
        text = "".join(_text(part) or sql.HOLE for part in node.values)
    if text and sql.looks_like_query(text):
        try:
            yield from (Sighting(subject, getattr(node, "lineno", 1)) for subject in sql.reads(text))
        except sql.NotSql:
            return  # a sentence that only sounds like it
