"""What is read off a consumer's files, and the draft that it becomes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY
from mmp_local_dev.contract.infer import configs, python, sql
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.needs import compare
from mmp_local_dev.errors import InputError
from mmp_local_dev.events import Event, Warned, ignore
from mmp_local_dev.operations.infer import MOST_BYTES, infer
from own import VERSION

TRAIN = '''"""Trains. SELECT nothing FROM a.docstring"""
import os
import mlflow
import psycopg
from os import environ as _, getenv

KEY = "POSTGRES_PASSWORD"
HOST = os.environ["POSTGRES_HOST"]
PORT = os.environ.get("POSTGRES_PORT", "5432")
PASSWORD = os.getenv(KEY)
BUCKET = getenv("BUCKET", default="b")
os.environ["SET_HERE"] = "1"
if "REDIS_PASSWORD" in os.environ and os.environ["PATH"] and os.environ["lower"]:
    pass
SQL = """
    SELECT d.user_id, d.age FROM features.user_demographics AS d WHERE d.created > %(day)s
"""
mlflow.set_experiment("x")
with mlflow.start_run():
    mlflow.log_metric("a", 1)
    mlflow.sklearn.log_model(None, "m")
mlflow.register_model("runs:/1/m", "m")
'''
SERVE = """import redis
from feast import FeatureStore

FEATURES = ["user_demographics:age", "user_demographics:gender"]
OTHER = ["not a reference", "user_demographics:income"]


def online(store: FeatureStore, day: str) -> object:
    store.query(f"SELECT amount FROM {day}.sales")
    return store.get_online_features(features=FEATURES, entity_rows=[])
"""
RECIPE = """# ${IN_A_COMMENT}
uri: "postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD:}@${POSTGRES_HOST:-localhost}"
loader:
  feature_views:
    purchases:
      features: [total, count_30d]
  features:
    - user_demographics:country
"""
QUERY = """SELECT o.id, customers.name, (SELECT max(p.paid_at) FROM sales.payments p WHERE p.order_id = o.id) AS paid
FROM sales.orders o JOIN customers ON customers.id = o.customer_id
{% if day %} WHERE o.day = '{{ day }}' {% endif %} ORDER BY paid
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "pipe line"
    for name, text in {
        "train.py": TRAIN,
        "serving/serve.py": SERVE,
        "recipes/model.yaml": RECIPE,
        "sql/orders.sql.j2": QUERY,
        "tests/test_it.py": 'import os\nos.environ["ONLY_IN_TESTS"]\n',
        ".venv/lib/x.py": 'import os\nos.environ["OF_A_LIBRARY"]\n',
        "node_modules/x.py": 'import os\nos.environ["OF_ANOTHER"]\n',
        "README.md": "${NO_CODE}",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def names(text: str, kind: str) -> list[str]:
    return [sighting.subject[1] for sighting in python.sightings(text) if sighting.subject[0] == kind]


# Python


@pytest.mark.parametrize(
    ("text", "optional"),
    [
        ('os.environ["REDIS_HOST"]', False),
        ('environ["REDIS_HOST"]', False),
        ('os.environ.get("REDIS_HOST")', False),
        ('os.environ.get("REDIS_HOST", "x")', True),
        ('os.getenv("REDIS_HOST")', False),
        ('getenv("REDIS_HOST", default="x")', True),
        ('"REDIS_HOST" in os.environ', True),
        ('NAME = "REDIS_HOST"\nos.environ[NAME]', False),
    ],
)
def test_a_variable_that_is_read(text: str, *, optional: bool) -> None:
    found = [(s.subject, s.optional) for s in python.sightings(text)]
    assert found == [(("env", "REDIS_HOST"), optional)]


@pytest.mark.parametrize(
    "text",
    [
        'os.environ["REDIS_HOST"] = "x"',
        'del os.environ["REDIS_HOST"]',
        'os.environ["PATH"]',
        'os.environ["PYTHONHASHSEED"]',
        'os.environ["redis_host"]',
        "os.environ[name]",
        'settings.get("REDIS_HOST")',
        '"""os.environ["REDIS_HOST"]"""',
    ],
)
def test_what_reads_no_variable_of_a_provider(text: str) -> None:
    assert names(text, "env") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import psycopg2.extras", ["postgresql"]),
        ("from sqlalchemy import create_engine", ["postgresql"]),
        ("def f():\n    import redis", ["redis"]),
        ("from . import redis", []),
        ("from feast import FeatureStore\nstore.get_historical_features(df, features)", ["postgresql"]),
        ("store.get_online_features([])", []),
    ],
)
def test_services(text: str, expected: list[str]) -> None:
    assert names(text, "service") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import mlflow\nmlflow.log_params({})", ["tracking"]),
        ("import mlflow\nmlflow.pyfunc.load_model('models:/m@best')", ["artifact_proxy", "model_registry"]),
        (
            "import mlflow\nmlflow.pyfunc.log_model('m', registered_model_name='m')",
            ["artifact_proxy", "model_registry"],
        ),
        ("from mlflow import MlflowClient\nMlflowClient().create_model_version('m', 's')", ["model_registry"]),
        ("import other\nother.log_params({})", []),
    ],
)
def test_capabilities(text: str, expected: list[str]) -> None:
    assert sorted(names(text, "mlflow")) == expected


def test_features_are_lists_of_nothing_but_references() -> None:
    assert names(SERVE, "feature") == ["user_demographics:age", "user_demographics:gender"]
    assert names(SERVE.replace("feast", "other"), "feature") == []


def test_queries_in_strings() -> None:
    assert names(TRAIN, "table") == ["features.user_demographics"]
    assert names(SERVE, "table") == []  # the f-string's schema is known to the running program only


def test_a_sentence_is_no_query() -> None:
    assert names('x = "Select the best from what you have, and: go!"', "table") == []
    assert names('x = "With love from (("', "table") == []


def test_what_is_no_python() -> None:
    with pytest.raises(SyntaxError):
        list(python.sightings("def"))


# SQL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT a, b FROM s.t", {"table s.t", "column s.t:a", "column s.t:b"}),
        ("SELECT A, \"B\" FROM S.T", {"table s.t", "column s.t:a", "column s.t:B"}),
        ("SELECT x.a FROM t x", {"table public.t", "column public.t:a"}),
        ("SELECT * FROM s.t", {"table s.t"}),
        ("SELECT a FROM s.t, s.u", {"table s.t", "table s.u"}),
        ("WITH c AS (SELECT a FROM s.t) SELECT c.a FROM c", {"table s.t", "column s.t:a"}),
        ("SELECT a AS b FROM s.t ORDER BY b", {"table s.t", "column s.t:a"}),
        ("INSERT INTO s.u SELECT a FROM s.t", {"table s.t", "column s.t:a"}),
        ("SELECT n FROM generate_series(1, 3) n", set()),
        ("SELECT table_name FROM information_schema.tables", set()),
        ("SELECT a FROM {{ schema }}.t", set()),
        ("SELECT a FROM s.t WHERE b > {{ x }} AND a = %s", {"table s.t", "column s.t:a", "column s.t:b"}),
        ("", set()),
    ],
)  # fmt: skip
def test_what_a_query_reads(text: str, expected: set[str]) -> None:
    assert {" ".join(subject) for subject in sql.reads(text)} == expected


def test_what_is_no_sql(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(sql.NotSql):
        list(sql.reads("SELECT FROM WHERE (("))
    list(sql.reads("VACUUM FULL; CALL something(1)"))
    assert capfd.readouterr() == ("", "")


# Configurations


def test_placeholders_and_features() -> None:
    found = [(*s.subject, s.line, s.optional) for s in configs.sightings(RECIPE)]
    assert found == [
        ("env", "POSTGRES_USER", 2, False),
        ("env", "POSTGRES_PASSWORD", 2, True),
        ("env", "POSTGRES_HOST", 2, True),
        ("feature", "purchases:total", 6, False),
        ("feature", "purchases:count_30d", 6, False),
        ("feature", "user_demographics:country", 8, False),
    ]


def test_a_template_is_read_as_far_as_it_goes() -> None:
    found = [s.subject for s in configs.sightings("features: [{% for f in x %}\n- ${REDIS_HOST}\n")]
    assert found == [("env", "REDIS_HOST")]


# The draft


def test_the_draft_of_a_folder(code: Path) -> None:
    assert infer(code, emit=ignore).text == (
        """\
# DRAFT, made by `mmp-dev contract infer` from what the code reads; nothing of it was run.
# Read every line, take out what is not needed, say which versions were tested, and remove x-draft.
apiVersion: mmp.dev/v2
kind: ContractRequirements
x-draft: true
metadata: {name: pipe-line}
env:
  - POSTGRES_HOST  # train.py:8, recipes/model.yaml:2
  - {name: POSTGRES_PORT, required: false}  # train.py:9
  - POSTGRES_PASSWORD  # train.py:10, recipes/model.yaml:2
  - POSTGRES_USER  # recipes/model.yaml:2
  # Read as well, and not well-known; uncomment what the provider has to set:
  # - {name: BUCKET, required: false}  # train.py:11
  # - {name: REDIS_PASSWORD, required: false}  # train.py:13
services:
  mlflow: ">=0"  # train.py:3; any version: say what was tested
  postgresql: ">=0"  # train.py:4; any version: say what was tested
  redis: ">=0"  # serving/serve.py:1, serving/serve.py:10; any version: say what was tested
tables:
  features.user_demographics:  # train.py:15
    - user_id  # train.py:15
    - age  # train.py:15
    - created  # train.py:15
  sales.payments:  # sql/orders.sql.j2:1
    - paid_at  # sql/orders.sql.j2:1
    - order_id  # sql/orders.sql.j2:1
  sales.orders:  # sql/orders.sql.j2:1
    - id  # sql/orders.sql.j2:1
    - customer_id  # sql/orders.sql.j2:1
    - day  # sql/orders.sql.j2:1
  public.customers:  # sql/orders.sql.j2:1
    - name  # sql/orders.sql.j2:1
    - id  # sql/orders.sql.j2:1
features:
  - "purchases:total"  # recipes/model.yaml:6
  - "purchases:count_30d"  # recipes/model.yaml:6
  - "user_demographics:country"  # recipes/model.yaml:8
  - "user_demographics:age"  # serving/serve.py:4
  - "user_demographics:gender"  # serving/serve.py:4
mlflow:
  capabilities:
    - tracking  # train.py:18, train.py:19, train.py:20
    - artifact_proxy  # train.py:21
    - model_registry  # train.py:22
"""
    )


def test_a_draft_can_be_loaded_and_compared(code: Path, tmp_path: Path) -> None:
    contract = REPOSITORY / "dev-contract.yml"
    path = tmp_path / "pipeline.req.yml"
    result = infer(code, emit=ignore, output=path, contract_file=contract)
    assert (result.file, result.read) == (str(path), 4)
    requirements = load_requirements(path)
    assert (requirements.name, requirements.contract) == ("pipe-line", f">={VERSION.rpartition('.')[0]},<2")
    assert requirements.services["redis"].version == load(contract).services["redis"].version
    assert not requirements.variables["REDIS_PASSWORD"].required
    failed = {
        f.clause.partition("[")[0] for f in compare(requirements, load(contract)).findings if f.outcome == "failed"
    }
    assert failed == {"table.present", "table.column", "feature.view", "feature.dtype"}


def test_a_single_file(code: Path) -> None:
    result = infer(code / "serving" / "serve.py", emit=ignore)
    assert result.read == 1
    assert "# serve.py:4" in result.text


def test_tests_are_read_when_asked_for(code: Path) -> None:
    assert "ONLY_IN_TESTS" in infer(code, emit=ignore, tests=True).text
    assert "OF_A_LIBRARY" not in infer(code, emit=ignore, tests=True).text


def test_the_project_says_its_name_and_version(code: Path) -> None:
    (code / "pyproject.toml").write_text('[project]\nname = "trainer"\nversion = "1.10"\n', encoding="utf-8")
    assert 'metadata: {name: trainer, version: "1.10"}' in infer(code, emit=ignore).text


def test_columns_that_nobody_names_stay_open(code: Path, tmp_path: Path) -> None:
    (code / "all.sql").write_text("SELECT * FROM s.everything", encoding="utf-8")
    path = tmp_path / "a.req.yml"
    assert "  # s.everything: [which columns?]  # all.sql:1" in infer(code, emit=ignore, output=path).text
    assert "s.everything" not in load_requirements(path).tables


def test_many_places_are_counted(code: Path) -> None:
    (code / "many.py").write_text("import os\n" + 'os.environ["REDIS_HOST"]\n' * 9, encoding="utf-8")
    assert "REDIS_HOST  # many.py:2, many.py:3, many.py:4 and 6 more" in infer(code, emit=ignore).text


def test_what_cannot_be_read_is_told(code: Path) -> None:
    for name, content in {
        "broken.py": b"def",
        "latin.py": b"# \xe9\n",
        "nul.py": b"a\0",
        "broken.sql": b"SELECT FROM WHERE ((",
        "big.py": b"#" * (MOST_BYTES + 1),
    }.items():
        (code / name).write_bytes(content)
    events: list[Event] = []
    infer(code, emit=events.append)
    told = sorted(
        event.text.removeprefix(f"{code}/").partition(" was left out: ")[0]
        for event in events
        if isinstance(event, Warned)
    )
    assert told == ["big.py", "broken.py", "broken.sql", "latin.py", "nul.py"]


def test_nothing_is_run(code: Path, tmp_path: Path) -> None:
    (code / "harm.py").write_text(f"open({str(tmp_path / 'made')!r}, 'w')\nimport os\n", encoding="utf-8")
    before = set(sys.modules)
    infer(code, emit=ignore)
    assert not (tmp_path / "made").exists()
    assert {
        name for name in set(sys.modules) - before if name in ("train", "serve", "harm", "mlflow", "feast")
    } == set()


def test_a_file_that_is_there_is_not_replaced(code: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.req.yml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="a draft replaces nothing"):
        infer(code, emit=ignore, output=path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_nothing_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"\(1 files read\)") as caught:
        infer(tmp_path, emit=ignore)
    assert caught.value.code == "NOTHING_FOUND"
