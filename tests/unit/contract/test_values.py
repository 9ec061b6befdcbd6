import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmp_local_dev.contract.model import VariableType
from mmp_local_dev.contract.values import problem

GOOD = {
    VariableType.HOST: [
        "localhost",
        "db",
        "my_db",
        "Example.COM.",
        "a-b.c0",
        "127.0.0.1",
        "::1",
        "2001:db8::7",
        f"{'a' * 63}.org",
    ],
    VariableType.PORT: ["1", "80", "5432", "65535"],
    VariableType.URL: [
        "http://localhost:5002",
        "https://ml.example/mlflow/",
        "http://[::1]:5000",
        "HTTP://LOCALHOST",
    ],
    VariableType.PATH: ["/", "/srv/a folder/registry.db"],
    VariableType.STRING: [" ", "a", "p@ss word'\"$", "ünïcode"],
}

BAD = {
    VariableType.HOST: [
        "http://localhost",
        "localhost:80",
        "a b",
        "-a",
        "a-",
        "a..b",
        ".",
        "256.0.0.1",
        "1.2.3",
        "0x7f.1",
        "[::1]",
        "fe80::1%eth0",
        "::1::",
        "hôte",
        "a" * 64,
        ".".join(["a" * 60] * 5),
    ],
    VariableType.PORT: ["0", "65536", "080", "+80", "-1", " 80", "80 ", "8_0", "8e1", "0x50", "٨٠", "1" * 5000],
    VariableType.URL: [
        "localhost:5002",
        "ftp://localhost",
        "http://",
        "http:///path",
        "http://local host",
        "http://localhost:99999",
        "http://localhost:0",
        "http://localhost:x",
        "http://[::1",
        "http://1.2.3.999",
        "file:///etc/passwd",
    ],
    VariableType.PATH: ["registry.db", "./a", "~/a", "C:\\a"],
}

# A string as the alphabet, since hypothesis needs seconds to learn all of Unicode.
TEXT = "".join(map(chr, range(0x180))) + "٨\u2028\ud800\udfff😀"

EVERY_GOOD = [(kind, value) for kind, values in GOOD.items() for value in values]
EVERY_BAD = [(kind, value) for kind, values in BAD.items() for value in values]


@pytest.mark.parametrize(("kind", "value"), EVERY_GOOD)
def test_what_fits_has_no_problem(kind: VariableType, value: str) -> None:
    assert problem(kind, value) is None


@pytest.mark.parametrize(("kind", "value"), EVERY_BAD)
def test_what_does_not_fit_is_told_what_is_wanted(kind: VariableType, value: str) -> None:
    assert str(problem(kind, value)).startswith("has to be ")


@pytest.mark.parametrize("kind", VariableType)
@pytest.mark.parametrize("value", ["", "/a\nb", "/a\rb", "/a\0b", "/a\udcffb"])
def test_no_type_takes_what_an_environment_file_cannot_hold(kind: VariableType, value: str) -> None:
    assert problem(kind, value) is not None


@pytest.mark.parametrize("value", ["http://me@localhost", "http://me:secret@localhost", "http://@localhost"])
def test_a_url_carries_no_credentials(value: str) -> None:
    assert problem(VariableType.URL, value) == "must not carry credentials; give them their own variables"


@pytest.mark.parametrize("value", ["http://localhost/?a=1", "http://localhost?", "http://localhost/#top"])
def test_a_url_carries_no_query(value: str) -> None:
    assert problem(VariableType.URL, value) == "must not carry a query or a fragment"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(VariableType), st.text(TEXT, min_size=8))
def test_any_text_is_judged_and_never_repeated(kind: VariableType, value: str) -> None:
    assert value not in (problem(kind, value) or "")


@given(st.integers(min_value=-10, max_value=70_000))
@settings(max_examples=100, deadline=None)
def test_ports_are_the_numbers_from_1_to_65535(number: int) -> None:
    assert (problem(VariableType.PORT, str(number)) is None) == (1 <= number <= 65535)
