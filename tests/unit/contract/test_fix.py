"""What `contract lint --fix` does to a contract's text: the mechanical part, and not one byte more."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mmp_local_dev.contract.export.form_1_0 import form_1_0
from mmp_local_dev.contract.fix import fixed
from mmp_local_dev.contract.load import load_text
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.errors import ContractInvalid
from own import of_version

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "contracts"
OWN = of_version("1.1.0")
SHORT, DATA = OWN[: OWN.index("\nschema:")] + "\n", OWN[OWN.index("\nschema:") :]  # nothing of the data is ever mended
MINIMAL = (CORPUS / "valid" / "minimal.yml").read_text(encoding="utf-8")
NAME = "dev-contract.yml"


def changed(before: str, after: str) -> list[str]:
    """The lines that differ, as a diff shows them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize("path", sorted((CORPUS / "valid").glob("*.yml")), ids=lambda path: path.stem)
def test_what_is_clean_stays_as_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert fixed(NAME, text).text == text
    assert fixed(NAME, text).done == ()


# What is broken in the own contract (a pattern and what is there instead), and the lines that are changed by mending.
BREAKS = {
    "version without quotes": (r'"1\.1\.0"', "1.1.0", ["-version: 1.1.0", '+version: "1.1.0"']),
    "version that is a number": (r'"1\.1\.0"', "1.10", ["-version: 1.10", '+version: "1.10"']),
    "default without quotes": (
        r'default: "6379"',
        "default: 6379",
        [
            "-  REDIS_PORT: {type: port, default: 6379, binds: redis.port}",
            '+  REDIS_PORT: {type: port, default: "6379", binds: redis.port}',
        ],
    ),
    "variable that is not listed": (r"  - POSTGRES_HOST\n", "", ["+  - POSTGRES_HOST"]),
    "variable that is listed twice": (r"(  - POSTGRES_DB\n)", r"\1\1", ["-  - POSTGRES_DB"]),
    "variable that is not promised": (
        r"(  - POSTGRES_DB\n)",
        r"\1  - REDIS_PASSWORD  # since 1.1\n",
        ["-  - REDIS_PASSWORD  # since 1.1"],
    ),
    "service that is not listed": (
        r'  - name: "mlflow"\n.*\n.*\n',
        "",
        ["+  - name: mlflow", "+    port: 5002", "+    health_check: /health"],
    ),
    "service that is not promised": (
        r'(  - name: "redis")',
        '  - name: "minio"  # gone\n    port: 9000\n' + r"\1",
        ['-  - name: "minio"  # gone', "-    port: 9000"],
    ),
    "port of another": (r"(port: )6379\n", r"\g<1>6380\n", ["-    port: 6380", "+    port: 6379"]),
    "port that is text": (r"(port: )6379\n", r'\1"6379"\n', ['-    port: "6379"', "+    port: 6379"]),
    "port without a value": (r"(port:) 6379\n", r"\1\n", ["-    port:", "+    port: 6379"]),
    "port that is missing": (r"    port: 6379\n", "", ["+    port: 6379"]),
    "health check that is missing": (r"    health_check: /health\n", "", ["+    health_check: /health"]),
    "health check of another path": (
        r"(health_check: )/health",
        r"\1/up  # soon",
        ["-    health_check: /up  # soon", "+    health_check: /health  # soon"],
    ),
    "health check of none": (r"(port: 6379\n)", r"\1    health_check: /up\n", ["-    health_check: /up"]),
}


@pytest.mark.parametrize("break_", BREAKS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_one_mistake_is_mended_and_nothing_else_is_touched(break_: str, newline: str) -> None:
    pattern, instead, expected = BREAKS[break_]
    broken, count = re.subn(pattern, instead, SHORT, count=1)
    assert count == 1
    broken = broken.replace("\n", newline)
    mended = fixed(NAME, broken)
    assert changed(broken, mended.text) == expected
    assert len(mended.done) == 1
    load_text(NAME, mended.text)
    assert fixed(NAME, mended.text).text == mended.text
    assert mended.text.count(newline) == mended.text.count("\n")


LISTS = {
    "brackets": ("[REDIS_PORT]", "[REDIS_PORT, REDIS_HOST]"),
    "brackets over lines": ("[REDIS_PORT,  # the port\n ]", "[REDIS_PORT, REDIS_HOST,  # the port\n ]"),
    "no indentation": ("\n- REDIS_PORT # the port", "\n- REDIS_PORT # the port\n- REDIS_HOST"),
    "wide indentation": ("\n    -   REDIS_PORT\n\n    # end", "\n    -   REDIS_PORT\n    -   REDIS_HOST\n\n    # end"),
    "one too many with comments": (
        "[OLD, # old\n  # the port\n  REDIS_PORT]",
        "[ # old\n  # the port\n  REDIS_PORT, REDIS_HOST]",
    ),
    "one too many before": ("[OLD, REDIS_PORT]", "[REDIS_PORT, REDIS_HOST]"),
    "one too many after a comment": (
        "[REDIS_PORT,  # the port\n  REDIS_PORT]",
        "[REDIS_PORT,  # the port\n  REDIS_HOST]",
    ),
}


@pytest.mark.parametrize("layout", LISTS)
def test_every_layout_of_a_list_is_kept(layout: str) -> None:
    before, after = LISTS[layout]
    text = MINIMAL.replace("[REDIS_PORT]", "LIST", 1).replace("env:\n", "env:\n  REDIS_HOST: {type: host}\n", 1)
    mended = fixed(NAME, text.replace("LIST", before)).text
    loaded = load_text(NAME, mended)
    assert yaml.safe_load(mended)["provides_env_variables"] == ["REDIS_PORT", "REDIS_HOST"]
    assert set(loaded.variables) == {"REDIS_PORT", "REDIS_HOST"}
    assert mended == text.replace("LIST", after)
    assert mended.count("#") == text.replace("LIST", before).count("#")


def test_services_in_brackets() -> None:
    text = MINIMAL.replace(
        "[{name: redis, port: 6379}]", "[{name: redis, port: 1, health_check: /}, {name: x, port: 2}]"
    )
    text = text.replace("services:\n", 'services:\n  web: {protocol: http, version: "<2", endpoints: {host: "a:8"}}\n')
    mended = fixed(NAME, text)
    assert "provides_services: [{name: redis, port: 6379}, {name: web, port: 8}]\n" in mended.text
    assert len(mended.done) == 4
    load_text(NAME, mended.text)


def test_a_file_without_a_last_line_break() -> None:
    head, _, tail = OWN.partition("provides_env_variables:")
    lines, _, rest = tail.partition("\n\n")
    text = f"{head}{rest}\nprovides_env_variables:{lines}".replace("  - REDIS_HOST\n", "")
    mended = fixed(NAME, text).text
    assert mended == f"{text}\n  - REDIS_HOST"
    load_text(NAME, mended)


@pytest.mark.parametrize(
    "list_",
    ["&names [REDIS_PORT]", "[&name REDIS_PORT]", "[*port]", "{}", "none", "[]", "\n  - - REDIS_PORT", "[[], {}, ~]"],
)
def test_what_is_written_in_a_way_that_is_not_foreseen_stays(list_: str) -> None:
    text = MINIMAL.replace("[REDIS_PORT]", list_, 1).replace("env:\n", "env:\n  REDIS_HOST: {type: host}\n", 1)
    text = text.replace('version: "', 'x-port: &port REDIS_PORT\nversion: "', 1)
    assert fixed(NAME, fixed(NAME, text).text).done == ()
    if "&" in list_ or "*" in list_:
        assert fixed(NAME, text).text == text


def test_a_secret_is_not_repeated() -> None:
    text = MINIMAL.replace("env:\n", "env:\n  REDIS_PASSWORD: {type: string, sensitive: true, default: 88410}\n", 1)
    assert "8841" not in " ".join(fixed(NAME, text).done)


def test_a_name_that_yaml_reads_as_something_else_is_quoted() -> None:
    text = MINIMAL.replace("env:\n", 'env:\n  "NO": {type: string}\n', 1)
    text = text.replace("services:\n", 'services:\n  "on": {protocol: http, version: "<2", endpoints: {host: "a:8"}}\n')
    mended = fixed(NAME, text).text
    assert 'provides_env_variables: [REDIS_PORT, "NO"]\n' in mended
    assert '{name: "on", port: 8}]\n' in mended
    load_text(NAME, form_1_0(load_text(NAME, mended)))


def test_a_name_cannot_write_on_the_terminal() -> None:
    text = MINIMAL.replace("[REDIS_PORT]", '[REDIS_PORT, "\\e[31mRED"]')
    assert fixed(NAME, text).done == (
        'provides_env_variables: "\\u001b[31mRED" removed, since env does not promise it',
    )


def test_duplicate_keys_are_nobodys_to_choose_from() -> None:
    text = MINIMAL + "version: 1.0\n"
    assert fixed(NAME, text).text == text


def test_no_yaml() -> None:
    with pytest.raises(ContractInvalid, match="is not valid YAML"):
        fixed(NAME, "version: [")


@settings(max_examples=12, deadline=None)
@given(breaks=st.lists(st.sampled_from(sorted(BREAKS)), min_size=1, max_size=5, unique=True))
def test_any_mistakes_together(breaks: list[str]) -> None:
    broken = OWN
    for name in breaks:
        pattern, instead, _ = BREAKS[name]
        broken = re.sub(pattern, instead, broken, count=1)
    mended = fixed(NAME, broken)
    contract = load_text(NAME, mended.text)
    assert contract.variables == load_text(NAME, OWN).variables
    assert contract.services == load_text(NAME, OWN).services
    assert fixed(NAME, mended.text).done == ()
    assert comments(mended.text) >= comments(OWN)
    assert mended.text.endswith(DATA)


def comments(text: str) -> set[str]:
    return set(re.findall(r"(?m)^ *#.*$", text))


@pytest.mark.parametrize("path", sorted((CORPUS / "invalid").glob("*.yml")), ids=lambda path: path.stem)
def test_whatever_is_wrong_it_ends_and_the_rest_means_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        read(NAME, text)
    except ContractInvalid:
        return
    mended = fixed(NAME, text).text
    assert fixed(NAME, mended).done == ()
    if mended != text:
        before, after = (yaml.safe_load(each) for each in (text, mended))
        touched = {"version", "env", "provides_env_variables", "provides_services"}
        assert {k: v for k, v in before.items() if k not in touched} == {
            k: v for k, v in after.items() if k not in touched
        }
