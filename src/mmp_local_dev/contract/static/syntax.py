"""Python files as values without running them: names, constants, lists and calls, as far as they are written out."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmp_local_dev.contract.static.files import FileBroken, Place

DEEPEST = 30  # names that stand for names
LONGEST = 10_000  # characters that a text may be put together to

_SECONDS = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


class Unknown:
    """What cannot be known without running the file."""


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Word:
    """A name that no file here defines, such as a type of Feast's (`Int64`, `Array(String)`)."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call of `name` (`FeatureView`) with named arguments. `whole`: all of its arguments are written here."""

    name: str
    arguments: Mapping[str, tuple[ast.expr, Module]]
    positional: tuple[ast.expr, ...]
    module: Module
    line: int
    whole: bool

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.module.file, self.line)

    def place_of(self, argument: str) -> Place:
        """Where an argument stands; where the call stands without it."""
        found = self.arguments.get(argument)
        return Place(found[1].file, found[0].lineno) if found else self.place

    def argument(self, name: str, default: Any = None) -> Any:
        """An argument's value: what it says, `default` when it is left out, or UNKNOWN."""
        found = self.arguments.get(name)
        if found is None:
            return default if self.whole else UNKNOWN
        return found[1].value(found[0])


@dataclass(frozen=True)
class Picked:
    """`view[["age", "gender"]]`: some of what a name stands for."""

    whole: Any
    keys: Any


class Module:
    """One Python file; `others` are the files that it may import from, by module name.

    Names have their values once `settle` was called, so that names of names of names cost no time.
    """

    def __init__(self, file: str, tree: ast.Module, others: Mapping[str, Module]) -> None:
        self.file = file
        self.tree = tree
        self._others = others
        self._names = dict(_assignments(tree))
        self._imports = dict(_imports(tree))
        self._changed = {name for name, times in _stores(tree).items() if times > 1}
        self._values: dict[str, Any] = dict.fromkeys(self._changed, UNKNOWN)

    def settle(self) -> None:
        """Find out what every name stands for."""
        for name in self._names:
            self._name(name, 0)

    def calls(self, *names: str) -> Iterator[Call]:
        """All calls of these names, wherever they stand."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _last_name(node.func) in names:
                yield self._call(node)

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """What an expression stands for: text, a number, a timedelta's seconds, a list, Word, Call, Picked, UNKNOWN."""
        if depth > DEEPEST:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self._list(node.elts, depth)
        if isinstance(node, ast.Name):
            return self._name(node.id, depth + 1)
        if isinstance(node, ast.Attribute):
            return Word(node.attr) if isinstance(node.value, ast.Name | ast.Attribute) else UNKNOWN
        if isinstance(node, ast.Call):
            return self._called(node, depth + 1)
        if isinstance(node, ast.Subscript):
            return Picked(self.value(node.value, depth + 1), self.value(node.slice, depth + 1))
        if isinstance(node, ast.BinOp):
            return _combined(node.op, self.value(node.left, depth + 1), self.value(node.right, depth + 1))
        if isinstance(node, ast.JoinedStr):
            return self._joined(node, depth + 1)
        return UNKNOWN

    def _list(self, items: list[ast.expr], depth: int) -> list[Any]:
        found: list[Any] = []
        for item in items:
            if isinstance(item, ast.Starred):
                value = self.value(item.value, depth + 1)
                found += value if isinstance(value, list) else [UNKNOWN]
            else:
                found.append(self.value(item, depth + 1))
        return found

    def _name(self, name: str, depth: int) -> Any:
        if name in self._values:
            return self._values[name]
        if name in self._names:
            self._values[name] = UNKNOWN  # as long as it is looked for: it may stand for itself
            self._values[name] = self.value(self._names[name], depth)
            return self._values[name]
        if name in self._imports and depth <= DEEPEST:
            module, original = self._imports[name]
            other = self._others.get(module.rpartition(".")[2])
            return other._name(original, depth + 1) if other and other.has(original) else Word(original)
        return UNKNOWN

    def has(self, name: str) -> bool:
        """Whether the file sets or imports `name` itself."""
        return name in self._names or name in self._imports

    def _called(self, node: ast.Call, depth: int) -> Any:
        name = _last_name(node.func)
        if name == "timedelta":
            return self._seconds(node, depth)
        if name[:1].isupper():
            words = [self.value(each, depth) for each in node.args]
            if words and not node.keywords and all(isinstance(word, Word) for word in words):
                return Word(f"{name}({', '.join(word.text for word in words)})")
            return self._call(node)
        return UNKNOWN

    def _call(self, node: ast.Call) -> Call:
        named = {each.arg: (each.value, self) for each in node.keywords if each.arg}
        whole = len(named) == len(node.keywords) and not any(isinstance(each, ast.Starred) for each in node.args)
        return Call(_last_name(node.func), named, tuple(node.args), self, node.lineno, whole)

    def _seconds(self, node: ast.Call, depth: int) -> Any:
        parts = dict(zip(("days", "seconds"), node.args, strict=False))
        parts |= {each.arg: each.value for each in node.keywords if each.arg}
        values = [(_SECONDS.get(name), self.value(value, depth)) for name, value in parts.items()]
        if len(parts) != len(node.args) + len(node.keywords):
            return UNKNOWN
        if any(unit is None or not _is_number(value) for unit, value in values):
            return UNKNOWN
        return sum((unit or 0) * value for unit, value in values)

    def _joined(self, node: ast.JoinedStr, depth: int) -> Any:
        parts = [
            self.value(each.value, depth)
            if isinstance(each, ast.FormattedValue) and each.conversion == -1 and each.format_spec is None
            else self.value(each, depth)
            for each in node.values
        ]
        text = "".join(parts) if all(isinstance(part, str) for part in parts) else UNKNOWN
        return text if isinstance(text, str) and len(text) <= LONGEST else UNKNOWN


def parse(texts: Mapping[str, str]) -> list[Module]:
    """The modules of these Python files, given by name. Raises FileBroken, as `file:line: why`."""
    others: dict[str, Module] = {}
    modules = [Module(file, _tree(file, text), others) for file, text in texts.items()]
    # A module is imported by its own name, a package's by the folder's.
    others.update({_module_name(module.file): module for module in modules})
    for module in modules:
        module.settle()
    return modules


def _module_name(file: str) -> str:
    *folders, name = file.removesuffix(".py").split("/")
    return folders[-1] if name == "__init__" and folders else name


def _tree(file: str, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in text: not ours to tell
            return ast.parse(text)
    except SyntaxError as error:
        raise FileBroken(f"{file}:{error.lineno or 1}: is not valid Python: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise FileBroken(f"{file}: is not valid Python, or nested too deeply") from None


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _stores(tree: ast.Module) -> dict[str, int]:
    """How often each name is set at the top of a file, be it in an `if` or a loop."""
    times: dict[str, int] = {}
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            times[node.id] = times.get(node.id, 0) + 1
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return times


def _imports(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, (node.module or "", alias.name)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _combined(operator: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(operator, ast.Add):
        if isinstance(left, str) and isinstance(right, str) and len(left) + len(right) <= LONGEST:
            return left + right
        if isinstance(left, list) and isinstance(right, list) and len(left) + len(right) <= LONGEST:
            return left + right
    if _is_number(left) and _is_number(right) and isinstance(operator, ast.Add | ast.Mult):
        return left + right if isinstance(operator, ast.Add) else left * right
    return UNKNOWN
