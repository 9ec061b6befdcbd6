"""The script of pg_dumpall, fitted to a server that has some of the roles."""

from __future__ import annotations

import pytest

from mmp_local_dev.services.postgresql_roles import fitted

SCRIPT = r'''--
-- PostgreSQL database cluster dump
--

\restrict Key'With"Quotes;

SET default_transaction_read_only = off;

--
-- Roles
--

CREATE ROLE "mlflow";
ALTER ROLE "mlflow" WITH NOSUPERUSER LOGIN PASSWORD 'SCRAM-SHA-256$4096:salt;=$key:key';
CREATE ROLE "o'hara; ""x""";
ALTER ROLE "o'hara; ""x""" WITH NOSUPERUSER LOGIN;
COMMENT ON ROLE "o'hara; ""x""" IS 'it''s;
CREATE ROLE "mlflow";
ALTER ROLE "postgres" WITH NOTHING;
';
CREATE ROLE "postgres";
ALTER ROLE "postgres" WITH SUPERUSER PASSWORD 'SCRAM-SHA-256$4096:other';

--
-- User Config "o'hara; ""x"""
--

ALTER ROLE "o'hara; ""x""" SET "search_path" TO 'a', 'b';
ALTER ROLE "postgres" SET "default_transaction_read_only" TO 'on';
ALTER ROLE "postgres2" WITH LOGIN;

GRANT "mlflow" TO "o'hara; ""x""" WITH INHERIT TRUE GRANTED BY "postgres";

\unrestrict Key'With"Quotes;
'''
OF_THE_SUPERUSER = (
    'CREATE ROLE "postgres";\n',
    "ALTER ROLE \"postgres\" WITH SUPERUSER PASSWORD 'SCRAM-SHA-256$4096:other';\n",
    'ALTER ROLE "postgres" SET "default_transaction_read_only" TO \'on\';\n',
)


def without(*lines: str) -> list[str]:
    """The script's lines without the first of each of these, and without the superuser's."""
    script = SCRIPT
    for line in (*OF_THE_SUPERUSER, *lines):
        assert line in script
        script = script.replace(line, "", 1)
    return [line for line in script.splitlines() if line]


@pytest.mark.parametrize(
    ("existing", "skipped"),
    [
        ([], []),
        (["postgres", "nobody"], []),
        (["mlflow"], ['CREATE ROLE "mlflow";\n']),
        (['o\'hara; "x"', "MLflow"], ['CREATE ROLE "o\'hara; ""x""";\n']),
    ],
)
def test_what_exists_is_not_made_and_the_superuser_is_left_alone(existing: list[str], skipped: list[str]) -> None:
    assert [line for line in fitted(SCRIPT, existing).splitlines() if line] == without(*skipped)
