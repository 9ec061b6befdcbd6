from __future__ import annotations

import re
from urllib.parse import quote as url_quote
from urllib.parse import quote_plus

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from mmp_local_dev.env_formats import quote
from mmp_local_dev.environment import MASK, Environment, doubt, generate_secret

AWKWARD = " \t'\"\\$`#=!&;|<>(){}[]*?~:-^%@aZ09éß漢\u00a0\u2028"
bounded = settings(max_examples=25, deadline=None, database=None, derandomize=True)
values = st.text(AWKWARD, max_size=12)


@pytest.mark.parametrize("value", ["12345678", "1e5", "true", "No", "0x1f", "3.14", "a@b", "a/b", "p:q", "ä"])
def test_values_that_some_consumers_misread(value: str) -> None:
    assert doubt(value)


def test_generated_secrets_are_never_doubtful() -> None:
    assert not any(doubt(generate_secret()) for _ in range(100))


class TestEnvironment:
    environment = Environment({"HOST": "db", "PASSWORD": "p@ss wörd/1", "EMPTY": ""}, {"PASSWORD", "EMPTY", "NONE"})

    def test_is_a_mapping(self) -> None:
        assert dict(self.environment) == {"HOST": "db", "PASSWORD": "p@ss wörd/1", "EMPTY": ""}
        assert self.environment == {**self.environment}
        assert len(self.environment) == 3

    def test_shows_no_secret(self) -> None:
        assert self.environment.masked() == {"HOST": "db", "PASSWORD": MASK, "EMPTY": ""}
        assert repr(self.environment) == str(self.environment)
        assert "wörd" not in repr(self.environment)

    def test_does_not_follow_changes_of_what_it_was_made_from(self) -> None:
        given = {"HOST": "db"}
        environment = Environment(given)
        given["HOST"] = "elsewhere"
        assert environment["HOST"] == "db"

    def test_with_values_keeps_the_rest_and_what_is_secret(self) -> None:
        changed = self.environment.with_values(HOST="other", PORT="5432")
        assert changed == {**self.environment, "HOST": "other", "PORT": "5432"}
        assert changed.secrets == self.environment.secrets
        assert self.environment["HOST"] == "db"

    @pytest.mark.parametrize(
        "form",
        [
            "p@ss wörd/1",
            url_quote("p@ss wörd/1"),
            url_quote("p@ss wörd/1", safe=""),
            url_quote("p@ss wörd/1", safe=" +"),  # as SQLAlchemy does
            quote_plus("p@ss wörd/1"),
            quote_plus("p@ss wörd/1").lower(),
        ],
    )
    def test_redacts_a_secret_in_every_quoting(self, form: str) -> None:
        assert self.environment.redact(f"postgresql://u:{form}@db") == f"postgresql://u:{MASK}@db"

    def test_redacts_the_longest_secret_first(self) -> None:
        environment = Environment({"A": "abc", "B": "abcdef", "C": "x*"}, {"A", "B", "C"})
        assert environment.redact("abcdef abc x* xx") == f"{MASK} {MASK} {MASK} xx"

    def test_redacts_nothing_without_secrets(self) -> None:
        assert Environment({"A": "abc"}).redact("abc") == "abc"


def test_generated_secrets_are_text_for_everybody() -> None:
    made = {generate_secret() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"[g-z][A-Za-z0-9]{23}", secret) for secret in made)
    assert all(quote("NAME", secret) == secret for secret in made)
