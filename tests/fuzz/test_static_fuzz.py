"""Whatever the files hold, the answer is findings: no error but the designed ones, no clause that was not found out."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import REPOSITORY
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Outcome
from mmp_local_dev.contract.static.clauses import static_clauses_of
from mmp_local_dev.contract.static.sources import Sources
from mmp_local_dev.contract.verify import check_clause

SAMPLE = REPOSITORY / "tests" / "static_sample"
FILES = {
    ".env": "env",
    "docker-compose.yml": "docker-compose.yml",
    "scripts/seed.sql": "scripts/seed.sql",
    "mlflow/requirements.txt": "mlflow/requirements.txt",
    "feast_repo/feature_store.yaml": "feast_repo/feature_store.yaml",
    "feast_repo/features.py": "feast_repo/features.py",
}
PIECES = [*"()[]{}'\"\n\0$:;*,=\\é\t", "${", "--", "/*"]


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True)
    (folder / "env").rename(folder / ".env")
    return load(folder / "dev-contract.yml")


def mutilated(text: str) -> st.SearchStrategy[bytes]:
    """`text` with a stretch of it replaced by something else."""
    spans = st.tuples(st.integers(0, len(text)), st.integers(0, 20))
    pieces = st.lists(st.sampled_from(PIECES + text.split()), max_size=4).map("".join)
    return st.builds(lambda span, piece: (text[: span[0]] + piece + text[sum(span) :]).encode(), spans, pieces)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_file_leads_to_findings(contract: Contract, name: str, data: st.DataObject) -> None:
    path = contract.path.parent / name
    text = (SAMPLE / FILES[name]).read_text(encoding="utf-8")
    arbitrary = st.binary(max_size=60) | st.text(max_size=60).map(lambda said: said.encode(errors="surrogatepass"))
    path.write_bytes(data.draw(mutilated(text) | arbitrary))
    try:
        sources = Sources(contract)
        findings = [check_clause(clause, contract, sources, 10) for clause in static_clauses_of(contract)]
    finally:
        path.write_text(text, encoding="utf-8")
    unknown = [finding for finding in findings if finding.outcome is Outcome.UNKNOWN]
    # Without its cause to hold it back, a clause about a broken file repeats the designed error.
    assert [finding for finding in unknown if not finding.message.startswith(DESIGNED)] == []
    assert not unknown or any(finding.clause.startswith("file.readable[") for finding in findings)


DESIGNED = tuple(f"could not be checked: {name}: " for name in ("ContractInvalid", "EnvironmentInvalid", "FileBroken"))
