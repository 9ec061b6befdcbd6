from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmp_local_dev.env_formats import HEADER, github_lines, parse, quote, render, shell_lines
from mmp_local_dev.errors import EnvironmentInvalid

NAMES = ("POSTGRES_HOST", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
# Characters that some reader treats specially, and a few that none does.
AWKWARD = " \t'\"\\$`#=!&;|<>(){}[]*?~:-^%@aZ09éß漢\u00a0\u2028"

bounded = settings(max_examples=25, deadline=None, database=None, derandomize=True)
values = st.text(AWKWARD, max_size=12)
lines = st.text(AWKWARD + "\n", max_size=25)


def spelled(value: str) -> str | None:
    try:
        return quote("NAME", value)
    except EnvironmentInvalid:
        return None


writable = values.filter(lambda value: spelled(value) is not None)
# What a user may have in the file already, including our names, in odd forms.
user_lines = st.sampled_from(
    [
        "",
        "# a comment with 'one quote",
        "# REDIS_PASSWORD=",
        "EDITOR=vi",
        "export LANG=C  # mine",
        "NOTE='two\nlines'",
        "URL=http://${POSTGRES_HOST}/",
        "POSTGRES_HOST=old",
        "POSTGRES_HOST = spaced # why",
        "export POSTGRES_PASSWORD=pa$$  # old",
        "REDIS_PASSWORD= # none yet",
        'POSTGRES_PASSWORD="two\nlines"#c',
        "ALONE",
    ]
)
files = st.builds(
    lambda parts, newline, end: newline.join(parts) + (newline if end else ""),
    st.lists(user_lines, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
).filter(lambda text: not text.endswith("ALONE"))
settings_of_ours = st.dictionaries(st.sampled_from(NAMES), writable)


def refusal(text: str, *, strict: tuple[str, ...] = NAMES) -> str:
    with pytest.raises(EnvironmentInvalid) as caught:
        parse(text, source=".env", strict=strict)
    return caught.value.message


def verdict(text: str) -> str:
    try:
        parse(text, source=".env", strict=NAMES)
    except EnvironmentInvalid as refused:
        return refused.message
    return ""


class TestQuote:
    @pytest.mark.parametrize(
        ("value", "spelling"),
        [
            ("", ""),
            ("localhost", "localhost"),
            ("http://127.0.0.1:5002", "http://127.0.0.1:5002"),
            ("with space", "'with space'"),
            ("a#b", "'a#b'"),
            ("a~b", "'a~b'"),
            ("=a", "'=a'"),
            ("pa$$word`", "'pa$$word`'"),
            ("${", "'${'"),
            (r"C:\temp", r"'C:\temp'"),
            ('say "hi"', "'say \"hi\"'"),
            ("it's", '"it\'s"'),
            ('it\'s "it"', r'''"it's \"it\""'''),
            (r"\\server\it's", r'''"\\\\server\\it's"'''),
            (r"\\server", r'"\\\\server"'),
            ("größe", "'größe'"),
        ],
    )
    def test_takes_the_plainest_spelling_that_all_share(self, value: str, spelling: str) -> None:
        assert quote("NAME", value) == spelling

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("secret\n", "a line break"),
            ("secret\r", "a line break"),
            ("secret\0", "a NUL character"),
            ("secret\udcff", "bytes that are not UTF-8"),
            ("secret's $x", 'because of "\'" together with "$";'),
            ("secret's `x`", 'because of "\'" together with "`";'),
            ("secret${x}", 'because of "${";'),
            ("secret\\", 'because of "\\";'),
        ],
    )
    def test_says_what_is_in_the_way_but_not_the_value(self, value: str, reason: str) -> None:
        with pytest.raises(EnvironmentInvalid, match=r"^NAME: ") as caught:
            quote("NAME", value)
        assert reason in caught.value.message
        assert "secret" not in caught.value.message

    @pytest.mark.parametrize("name", ["", "1A", "A B", "A-B", "A\n", "é"])
    def test_refuses_what_is_no_name(self, name: str) -> None:
        with pytest.raises(EnvironmentInvalid, match="no variable name"):
            quote(name, "x")

    @bounded
    @given(writable)
    def test_parse_takes_what_it_wrote(self, value: str) -> None:
        assert parse(f"NAME={quote('NAME', value)}", source=".env", strict=["NAME"]) == {"NAME": value}


class TestParse:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("NAME=x", "x"),
            ("NAME=x\r\n", "x"),
            ("\ufeffNAME=x\n", "x"),
            ("\n  \n\tNAME=x\n", "x"),
            ("export NAME=x\n", "x"),
            ("export\tNAME='x y'  # why, it's so\r\n", "x y"),
            ("NAME=x # why", "x"),
            ("NAME=\n", ""),
            ("NAME='' # why", ""),
            ("NAME=a#b~c!^{d}", "a#b~c!^{d}"),
            ("NAME='a$b`c\\d\"'", 'a$b`c\\d"'),
            ('NAME="it\'s \\"a\\" \\\\ b"', 'it\'s "a" \\ b'),
        ],
    )
    def test_reads_ours(self, text: str, value: str) -> None:
        assert parse(text, source=".env", strict=["NAME"]) == {"NAME": value}

    @pytest.mark.parametrize(
        ("spelling", "reason", "advice"),
        [
            ("secret$1", '"$"', "single quotes"),
            ("secret`x`", '"`"', "single quotes"),
            ("secret two", "a blank", "single quotes"),
            ("secret\\n", '"\\"', "single quotes"),
            ("secret'x'", '"\'"', "double quotes"),
            ("~secret", '"~"', "single quotes"),
            ("http:~secret", '"~"', "single quotes"),
            *((f"secret{operator}x", f'"{operator}"', "single quotes") for operator in ";&|<>()"),
            (" secret", "a blank", 'no blanks around "="'),
            ("secret\t# c", "the blanks after it", "a space before a comment"),
            ("secret\u00a0", "the blanks after it", "no blanks"),
            (" # c", "the comment", "single quotes"),
            ('"secret$x"', '"$"', "single quotes"),
            ('"secret\\n"', '"\\"', "single quotes"),
            ('"secret\\\\"', '"\\"', "choose another value"),
            ('"it\'s $ecret"', '"$"', "choose another value"),
            ("'secret${x}'", '"${"', "choose another value"),
            ("'secret\\\\x'", '"\\"', "double quotes"),
            ("'secret\\''", '"\\"', "double quotes"),
            ("'secret\ntwo'", "a line break", "choose another value"),
        ],
    )
    def test_refuses_ours_where_readers_differ(self, spelling: str, reason: str, advice: str) -> None:
        message = refusal(f"\n# c\n\nPOSTGRES_PASSWORD={spelling}\nPOSTGRES_HOST=h\n")
        assert message.startswith(".env:4: POSTGRES_PASSWORD: Compose, a shell and python-dotenv read this value")
        assert f"because of {reason}" in message
        assert advice in message
        assert "secret" not in message
        assert "ecret" not in message

    @pytest.mark.parametrize("text", ["NAME =x", "'NAME'=x", "export\u00a0NAME=x", "\u00a0NAME=x"])
    def test_refuses_ours_when_a_shell_sees_no_assignment(self, text: str) -> None:
        assert 'because of what stands before "="; write NAME=value' in refusal(text, strict=("NAME",))

    def test_refuses_braces_only_after_export(self) -> None:
        assert parse("NAME={a,b}", source=".env", strict=["NAME"]) == {"NAME": "{a,b}"}
        assert 'because of "{"; write it in single quotes' in refusal("export NAME={a,b}", strict=("NAME",))

    def test_refuses_a_second_definition_of_ours(self) -> None:
        message = refusal("POSTGRES_HOST=a\n\nPOSTGRES_HOST=b\n")
        assert message.startswith(".env:3: POSTGRES_HOST is set a second time, after line 1,")

    @pytest.mark.parametrize("text", ["POSTGRES_HOST\n", "POSTGRES_HOST=a\nexport POSTGRES_HOST\n"])
    def test_refuses_ours_without_a_value(self, text: str) -> None:
        assert 'POSTGRES_HOST: there is no "="; write POSTGRES_HOST=value' in refusal(text)

    @pytest.mark.parametrize(
        "line",
        [
            "POSTGRES_PASSWORD='secret",
            'POSTGRES_PASSWORD="secret',
            "POSTGRES_PASSWORD='secret' 'x'",
            "POSTGRES_PASSWORD='secret'x",
            "{secret: 1}",
            "some secret words",
            "=secret",
        ],
    )
    @pytest.mark.parametrize("strict", [(), NAMES])
    def test_refuses_a_line_that_cannot_be_read(self, line: str, strict: tuple[str, ...]) -> None:
        message = refusal(f"A=1\r\n\r\n{line}\r\nB=2\r\n", strict=strict)
        assert message.startswith(".env:3: this is no NAME=value")
        assert "secret" not in message

    def test_refuses_a_file_that_was_cut_off(self) -> None:
        assert refusal("A=1\nPOSTGRES_PASSW", strict=()).startswith('.env:2: the file ends here in a line without "="')

    @pytest.mark.parametrize(
        ("text", "what"), [("A=1\nB=x\0y\n", "a NUL character"), ("A=1\nB=2\rC=3\n", "a carriage return without")]
    )
    def test_refuses_what_is_no_text(self, text: str, what: str) -> None:
        assert refusal(text).startswith(f".env:2: {what}")

    def test_passes_over_what_the_user_added(self) -> None:
        text = "A=a b\nB=$HOME\nC=`x`\nD = 1\nE='two\nPOSTGRES_HOST=no'\nmy.name=x\nALONE\nA=last\n"
        assert parse(text, source=".env", strict=NAMES) == {
            "A": "last",
            "B": "$HOME",
            "C": "`x`",
            "D": "1",
            "E": "two\nPOSTGRES_HOST=no",
            "my.name": "x",
        }

    @pytest.mark.parametrize(
        "line", ["A=it's", "A=C:\\", "A=x`y", "A='it\\'s'", "A=$'it\\'", 'A="x`\'`"', "A='x'#'", "don't"]
    )
    def test_refuses_a_users_line_that_runs_on_into_ours(self, line: str) -> None:
        message = refusal(f"{line}\nPOSTGRES_HOST=h\n")
        assert message.startswith(".env:1: Compose, a shell and python-dotenv end this line in different places")
        parse(f"{line}\nB=h\n", source=".env")  # nothing of ours is at stake

    @pytest.mark.parametrize("line", ["A=x # it's", "A=x 'a # b' c", 'A="it\'s"', "A='\"'", "A=\\'"])
    def test_passes_over_quotes_that_are_closed(self, line: str) -> None:
        assert parse(f"{line}\nPOSTGRES_HOST=h\n", source=".env", strict=NAMES)["POSTGRES_HOST"] == "h"

    @bounded
    @given(lines)
    @example("A='" * 50)
    def test_takes_any_text_or_says_where_it_is_wrong(self, text: str) -> None:
        assert re.match(r"\.env:\d+: |\Z", verdict(text))


class TestRender:
    def test_writes_a_new_file(self) -> None:
        comments = {"B": "two lines\n\nof comment"}
        text = render({"B": "x y", "A": "1"}, comments=comments)
        assert text == f"{HEADER}\n# two lines\n#\n# of comment\nB='x y'\nA=1\n"

    def test_changes_only_our_lines(self) -> None:
        existing = (
            "# mine\n\nEDITOR=vi  \nexport A=old  # why\n  B = 2\n\tC='c'  # right already\n# A=\nNOTE='x\nA=1'\n\n"
        )
        assert render({"A": "new value", "B": "3", "C": "c"}, existing=existing) == (
            "# mine\n\nEDITOR=vi  \nexport A='new value' # why\nB=3\n\tC='c'  # right already\n# A=\nNOTE='x\nA=1'\n\n"
        )

    def test_keeps_windows_line_ends(self) -> None:
        existing = "EDITOR=vi\r\n\r\nA=1 # why\r\n"
        assert render({"A": "2", "B": "x y"}, existing=existing) == (
            f"EDITOR=vi\r\n\r\nA=2 # why\r\n\r\n{HEADER}\r\nB='x y'\r\n"
        )

    def test_drops_a_byte_order_mark(self) -> None:
        assert render({"A": "2"}, existing="\ufeffA=1\n") == "A=2\n"

    def test_ends_a_last_line_before_it_appends(self) -> None:
        assert render({"B": "2"}, existing="A=1") == f"A=1\n\n{HEADER}\nB=2\n"
        assert render({"A": "2"}, existing="A=1") == "A=2"

    def test_writes_its_header_once(self) -> None:
        text = render({"A": "1"})
        assert render({"A": "1", "B": "2"}, existing=text + "MINE=1\n") == f"{text}MINE=1\nB=2\n"

    def test_sets_the_last_of_two_and_removes_none(self) -> None:
        assert render({"A": "3"}, existing="A=1\nB=0\nA=2\n") == "A=1\nB=0\nA=3\n"

    def test_rewrites_a_right_value_that_others_read_differently(self) -> None:
        assert render({"A": "x$y"}, existing='A="x$y"\n') == "A='x$y'\n"

    def test_keeps_a_comment_apart_from_an_empty_value(self) -> None:
        assert render({"A": ""}, existing="A= # none yet\n") == "A='' # none yet\n"

    def test_leaves_a_name_without_value_alone(self) -> None:
        assert render({"A": "1"}, existing="export A\n") == f"export A\n\n{HEADER}\nA=1\n"

    @bounded
    @given(files, settings_of_ours)
    def test_is_a_fixed_point(self, existing: str, ours: Mapping[str, str]) -> None:
        once = render(ours, existing=existing)
        assert render(ours, existing=once) == once

    @bounded
    @given(files, settings_of_ours)
    def test_adds_ours_to_what_was_there(self, existing: str, ours: Mapping[str, str]) -> None:
        before = parse(existing, source=".env")
        assert parse(render(ours, existing=existing), source=".env") == {**before, **ours}

    @bounded
    @given(files)
    def test_without_values_changes_nothing(self, existing: str) -> None:
        assert render({}, existing=existing) == existing

    @bounded
    @given(st.lists(st.sampled_from(["", "# c", "EDITOR=vi", "N='two\nlines'"])), settings_of_ours)
    def test_leaves_a_file_that_is_read_alike(self, rest: list[str], ours: Mapping[str, str]) -> None:
        text = render(ours, existing="\n".join(rest))
        assert parse(text, source=".env", strict=NAMES).items() >= ours.items()


def test_shell_lines_quote_everything() -> None:
    assert shell_lines({"A": "x", "B": "it's\n$x"}) == "export A='x'\nexport B='it'\\''s\n$x'\n"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("", "A=\n"),
        ("x=1 << 2 'é'", "A=x=1 << 2 'é'\n"),
        ("two\nlines\n", "A<<MMP_END_OF_VALUE\ntwo\nlines\n\nMMP_END_OF_VALUE\n"),
        (" x", "A<<MMP_END_OF_VALUE\n x\nMMP_END_OF_VALUE\n"),
        ("a\nMMP_END_OF_VALUE\nB=1", "A<<MMP_END_OF_VALUE_\na\nMMP_END_OF_VALUE\nB=1\nMMP_END_OF_VALUE_\n"),
    ],
)
def test_github_lines_hold_any_value(value: str, lines: str) -> None:
    assert github_lines({"A": value}) == lines


@pytest.mark.parametrize("write", [shell_lines, github_lines])
@pytest.mark.parametrize("values", [{"A;B": "x"}, {"A": "x\0y"}])
def test_lines_refuse_what_no_environment_holds(
    write: Callable[[Mapping[str, str]], str], values: Mapping[str, str]
) -> None:
    with pytest.raises(EnvironmentInvalid):
        write(values)
