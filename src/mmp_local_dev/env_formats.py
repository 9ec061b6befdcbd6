"""The texts that hold variables: above all the `.env` file that Docker Compose, a shell and python-dotenv read alike.

The three readers quote, escape and expand differently. What is written here is the part of their languages
that they share; what is read here for our own variables must lie in that part too. The sources of the rules
are compose-go's `dotenv/parser.go`, "Shell Command Language" in POSIX.1, and python-dotenv's `parser.py` and
`variables.py`; `tests/integration/test_environment_readers.py` holds them against the real readers.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mmp_local_dev.errors import EnvironmentInvalid

HEADER = "# Set by mmp-dev. A value that is changed here is kept."

_READERS = "Compose, a shell and python-dotenv"
_BYTE_ORDER_MARK = "\ufeff"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# No reader goes on after a NUL. python-dotenv opens files with universal newlines, so that a carriage return
# alone ends a line for it and for nobody else.
_NOT_TEXT = re.compile(r"\0|\r(?!\n)")
_UNPRINTABLE = {"\0": "a NUL character", "\n": "a line break", "\r": "a line break"}
_UNWRITABLE = re.compile(r"[\0\r\n\ud800-\udfff]")

# Needs no quotes in any of the three, nor in zsh (which expands some `=` and `~`) or for the many readers that
# begin a comment at every `#`.
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@%+-]*")

# What all three read alike, by the quote around it; they differ on the first character that does not fit.
_ALIKE = {
    # The shell ends words and commands at its operators, and expands `~` at the start and after `:`.
    "": re.compile(r"""(?: [^\s'"\\`$;&|<>()~] | (?<=[^:])~ )*""", re.VERBOSE),
    # A shell takes all of this literally. For the others a backslash hides the closing quote; python-dotenv
    # halves a double one, and expands `${…}` even in single quotes, with no way to escape it.
    "'": re.compile(r"""(?: [^'\\$\n] | \\(?![\\']|\Z) | \$(?!\{[^}:]*(?::-[^}]*)?\}) )*""", re.VERBOSE),
    # `\"` and `\\` are the only escapes that the three share. python-dotenv before 1.2.3 took the end of
    # `…\\"` for an escaped quote.
    '"': re.compile(r"""(?: [^"\\`$\n] | \\" | \\\\(?!\Z) )*""", re.VERBOSE),
}

# An assignment and the blank lines before it, as python-dotenv delimits them, in pieces.
_ASSIGNMENT = re.compile(
    r"""
    (?P<above> (?:[^\S\n]*\n)* )
    (?P<left> [^\S\n]* (?P<export>export[^\S\r\n]+)? (?:'[^']+'|[^=\#\s]+) [^\S\r\n]* = )
    (?P<value> [^\S\r\n]* (?: '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" ) | (?: \S | [^\S\r\n]++(?=[^\s\#]) )* )
    (?P<tail> (?: [^\S\r\n]* (?<=[\s'"]) (?P<comment>\#[^\r\n]*) )? [^\S\r\n]* (?P<end>(?:\r?\n)?) )
    """,
    re.VERBOSE | re.DOTALL,
)
_LEFT = re.compile(r"[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=")
# For Compose a comment after an unquoted value begins at " #", not at a tab; a shell knows no other blanks.
_TAIL = re.compile(r"(?:[ \t]* #[^\n]*)?[ \t]*\r?\n?")

# A line that ends for a shell where it ends for the others: a shell reads on while a quote is open and after a last
# backslash. Text that is not meant for a shell leaves no more open than that, so `$(` and `<<` are let be.
_CLOSED = re.compile(
    r"""
    (?: [^'"`\\$] | \$(?!') | \\[^\n] | '[^']*' | "(?:[^"`\\]|\\.|`[^'"`\\]*`)*" | `[^'"`\\]*` )*
    (?: [ \t]\#[^\n]*\n? )?
    """,
    re.VERBOSE | re.DOTALL,
)


def quote(name: str, value: str) -> str:
    """What to write after `name=` so that all three readers take exactly `value`.

    Raises EnvironmentInvalid, naming the characters in the way but never the value, when the readers share no
    spelling of it, and when `name` is no variable name.
    """
    _check_name(name)
    if bad := _UNWRITABLE.search(value):
        raise EnvironmentInvalid(f"{name}: a .env file cannot hold this value because of {_label(bad[0])}")
    if _PLAIN.fullmatch(value):
        return value
    single, double = f"'{value}'", '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
    if not (against_single := _misfit(single)):
        return single
    if not (against_double := _misfit(double)):
        return double
    reasons = " together with ".join(dict.fromkeys((against_single, against_double)))
    raise EnvironmentInvalid(
        f"{name}: there is no spelling of this value that {_READERS} read alike, because of {reasons}; "
        "choose another value"
    )


def parse(text: str, *, source: str, strict: Collection[str] = ()) -> dict[str, str]:
    """The assignments in a `.env` file's `text`; `source` is its name for messages.

    Variables in `strict` are ours: the three readers must read them alike. All others are the user's, and come
    as python-dotenv decodes them, references in them unresolved. Where a name stands twice the last one holds,
    as in all three readers. A byte order mark and Windows line ends are accepted, though not by a shell.

    Raises EnvironmentInvalid, as `file:line: why and what to write instead` and without any value, for a line
    that is no assignment; for one of ours that is read differently or is set twice; and, when `strict` names
    any, for a line of the user's that does not end in the same place for all, as ours after it are then misread.
    """
    _check_text(text, source)
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for statement in _statements(text.removeprefix(_BYTE_ORDER_MARK)):
        where = f"{source}:{statement.line}"
        _check_readable(statement, where)
        if statement.name in strict:
            _check_ours(statement, where, lines)
        elif strict:
            _check_ends_alike(statement, where)
        if statement.value is not None:
            values[statement.name] = statement.value
    return values


def render(values: Mapping[str, str], *, existing: str = "", comments: Mapping[str, str] | None = None) -> str:
    """`existing`, the text of a `.env` file that `parse` accepts, with `values` set.

    A variable that is there already gets its value in place; its `export` and its comment stay, and the whole
    line when it is right already. Where a name stands twice, the last one, which is the one that holds, is set,
    and the other stays. Missing ones are appended in the order given, each under its text in `comments`.
    Everything else stays byte for byte, except for a byte order mark, which costs a shell the first line. Read
    the file with `newline=""`, or its Windows line ends are lost before they come here.

    Raises EnvironmentInvalid when a value has no spelling that the readers share; see `quote`.
    """
    statements = list(_statements(existing.removeprefix(_BYTE_ORDER_MARK)))
    last = {statement.name: statement for statement in statements if statement.parts}
    body = "".join(
        _with_value(statement, values[statement.name])
        if statement.name in values and statement is last.get(statement.name)
        else statement.text
        for statement in statements
    )
    missing = {name: value for name, value in values.items() if name not in last}
    return body + _appendix(body, missing, comments or {}, "\r\n" if "\r\n" in existing else "\n")


def shell_lines(values: Mapping[str, str]) -> str:
    """`export NAME='value'` lines that a POSIX shell may `eval`, whatever the values hold.

    Raises EnvironmentInvalid for what is no variable name and for a value with a NUL.
    """
    return "".join(f"export {name}={_shell_word(value)}\n" for name, value in _checked(values))


def github_lines(values: Mapping[str, str]) -> str:
    """The lines to append to the file `$GITHUB_ENV`, whatever the values hold.

    Raises EnvironmentInvalid for what is no variable name and for a value with a NUL.
    """
    return "".join(_github_line(name, value) for name, value in _checked(values))


@dataclass(frozen=True)
class _Statement:
    """A piece of a `.env` file with the blank lines before it: an assignment, a name alone, a comment, junk."""

    text: str
    line: int
    name: str  # empty for a comment and for junk
    value: str | None  # of an assignment, decoded
    parts: re.Match[str] | None  # of an assignment
    readable: bool

    @property
    def spelling(self) -> str:
        """The right-hand side as it is written."""
        return self.parts["value"] if self.parts else ""


def _statements(text: str) -> Iterator[_Statement]:
    """`text` cut into statements, where python-dotenv cuts it; joined, they are `text`."""
    from dotenv.parser import parse_stream

    line = 1
    for binding in parse_stream(io.StringIO(text)):
        original = binding.original.string
        blank = len(original) - len(original.lstrip())
        parts = _ASSIGNMENT.fullmatch(original) if binding.value is not None else None
        yield _Statement(
            text=original,
            line=line + original.count("\n", 0, blank),
            name=binding.key or "",
            value=binding.value,
            parts=parts,
            readable=not binding.error and (parts is None) == (binding.value is None),
        )
        line += original.count("\n")


def _check_text(text: str, source: str) -> None:
    if bad := _NOT_TEXT.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        what = "a NUL character" if bad[0] == "\0" else "a carriage return without a line feed"
        raise EnvironmentInvalid(f"{source}:{line}: {what}; save the file as plain text")


def _check_readable(statement: _Statement, where: str) -> None:
    if not statement.readable:
        raise EnvironmentInvalid(
            f"{where}: this is no NAME=value that {_READERS} can read; "
            "close its quotes, and let nothing but a comment follow them"
        )
    if statement.name and statement.value is None and not statement.text.endswith("\n"):
        raise EnvironmentInvalid(f'{where}: the file ends here in a line without "="; complete or delete it')


def _check_ours(statement: _Statement, where: str, lines: dict[str, int]) -> None:
    """Refuse what readers differ on, or a second definition; `lines` collects where each name stood."""
    name = statement.name
    if statement.value is None:
        raise EnvironmentInvalid(f'{where}: {name}: there is no "="; write {name}=value, or delete the line')
    if name in lines:
        raise EnvironmentInvalid(
            f"{where}: {name} is set a second time, after line {lines[name]}, and the last one holds; "
            "delete one of them"
        )
    lines[name] = statement.line
    if statement.parts and (difference := _difference(statement.parts)):
        raise EnvironmentInvalid(
            f"{where}: {name}: {_READERS} read this value differently because of {difference}; "
            f"{_advice(name, statement.spelling)}"
        )


def _check_ends_alike(statement: _Statement, where: str) -> None:
    if statement.name and not _CLOSED.fullmatch(statement.text.lstrip()):
        raise EnvironmentInvalid(
            f"{where}: {_READERS} end this line in different places because of a quote or backslash in it, and "
            f"then misread what follows; {_advice(statement.name, statement.spelling)}"
        )


def _difference(parts: re.Match[str]) -> str:
    """What makes the readers differ on an assignment, in words; empty when they read it alike."""
    value = parts["value"]
    if not _LEFT.fullmatch(parts["left"]):
        return 'what stands before "="'
    if not value and parts["comment"]:
        return "the comment, which Compose takes for the value,"
    # bash expands `{a,b}` in the arguments of `export`, though not in a bare assignment.
    if parts["export"] and "{" in value and not value.startswith(("'", '"')):
        return _label("{")
    return _misfit(value) or ("" if _TAIL.fullmatch(parts["tail"]) else "the blanks after it")


def _misfit(spelling: str) -> str:
    """What in a right-hand side the readers do not read alike, in words; empty when there is nothing."""
    kind, body = _unquoted(spelling)
    fits = _ALIKE[kind].match(body)
    rest = body[fits.end() :] if fits else body
    return _label(rest[:2]) if rest else ""


def _unquoted(spelling: str) -> tuple[str, str]:
    """The quote around a right-hand side, if any, and what is inside."""
    kind = spelling[:1]
    closed = len(spelling) > 1 and kind in ("'", '"') and spelling.endswith(kind)
    return (kind, spelling[1:-1]) if closed else ("", spelling)


def _label(text: str) -> str:
    """The character that `text` begins with, in words. No more of it is shown: it may be part of a secret."""
    first = text[0]
    if first in _UNPRINTABLE:
        return _UNPRINTABLE[first]
    if "\ud800" <= first <= "\udfff":
        return "bytes that are not UTF-8"
    return "a blank" if first.isspace() else '"${"' if text == "${" else f'"{first}"'


def _advice(name: str, spelling: str) -> str:
    """How to write what somebody wrote as `spelling`, meaning it literally."""
    kind, body = _unquoted(spelling.strip())
    meant = re.sub(r'\\(["\\])', r"\1", body) if kind == '"' else body
    try:
        kind = quote(name, meant)[:1] or "'"
    except EnvironmentInvalid:
        return "choose another value"
    forms = {"'": "write it in single quotes", '"': "write it in double quotes"}
    return forms.get(kind, f'write {name}=value, no blanks around "=" and a space before a comment')


def _with_value(statement: _Statement, value: str) -> str:
    """The statement's text with another value, or as it is when everybody reads `value` from it already."""
    parts = statement.parts
    if parts is None or (statement.value == value and not _difference(parts)):
        return statement.text
    comment = f" {parts['comment']}" if parts["comment"] else ""
    # After an empty value without quotes, Compose would take the comment for it.
    spelling = quote(statement.name, value) or ("''" if comment else "")
    export = "export " if parts["export"] else ""
    return f"{parts['above']}{export}{statement.name}={spelling}{comment}{parts['end']}"


def _appendix(body: str, values: Mapping[str, str], comments: Mapping[str, str], newline: str) -> str:
    """The lines that set `values` at the end of a file that holds `body` so far."""
    if not values:
        return ""
    lines = [] if HEADER in body else [HEADER]
    if body and lines:
        lines.insert(0, "")
    for name, value in values.items():
        lines += [f"# {line}".rstrip() for line in comments.get(name, "").splitlines()]
        lines.append(f"{name}={quote(name, value)}")
    start = newline if body and not body.endswith("\n") else ""
    return start + "".join(line + newline for line in lines)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise EnvironmentInvalid(
            f"{name!r} is no variable name: those are letters, digits and _, and begin with no digit"
        )


def _checked(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        _check_name(name)
        if "\0" in value:
            raise EnvironmentInvalid(f"{name}: a variable cannot hold a NUL character")
        yield name, value


def _shell_word(value: str) -> str:
    return "'" + value.replace("'", r"'\''") + "'"


def _github_line(name: str, value: str) -> str:
    # The runner takes the value after `=` up to the line feed. Between two delimiters it takes whole lines.
    if value.isprintable() and value == value.strip():
        return f"{name}={value}\n"
    delimiter = "MMP_END_OF_VALUE"
    while delimiter in value:
        delimiter += "_"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
