"""Reports that are made up: what a check answers on a good day, on bad ones, and about somebody's hostile contract."""

from __future__ import annotations

from mmp_local_dev.contract.report import Finding, Outcome, Report
from mmp_local_dev.errors import Repair

UP = Repair("mmp-dev up", "starts what does not run")
HOSTILE = (
    '<script>document.title = "taken over"</script><img src="http://127.0.0.1:9/x" onerror="document.title=1">',
    "x" * 400,
    "특징 저장소의 나이 " * 20,
    "مخزن الميزات للعملاء " * 10,
    "]]>&amp;\x00\x1b[31m\ud800'\"`| a\r\n::error::b%0A\x85\u202e",
)


def finding(clause: str, outcome: str = "passed", **told: object) -> Finding:
    """Of the sections and services that the words of its id say."""
    kind, _, subject = clause.partition(".")
    sections = {"env": "env", "service": "services", "table": "schema", "fixture": "fixtures", "sla": "slaProperties"}
    section = sections.get(kind, "mlflow" if kind == "mlflow" else "feast")
    named = subject.partition("[")[2].rstrip("]")
    service = (
        named if kind == "service" else {"schema": "postgresql", "feast": "redis", "mlflow": "mlflow"}.get(section, "")
    )
    fields = {"declared": "dev-contract.yml:12", "section": section, "service": service, "seconds": 0.0123, **told}
    return Finding(clause, Outcome(outcome), **fields)  # type: ignore[arg-type]


def report(*findings: Finding, **told: object) -> Report:
    """Of a contract `sample` 1.1.0."""
    fields = {"began": "2026-11-21T16:25:03+00:00", "seconds": 0.43, **told}
    return Report("sample", "1.1.0", findings, **fields)  # type: ignore[arg-type]


def kept() -> Report:
    """Everything passed, but for what is optional."""
    versions = {"postgresql": "17.10", "redis": "8.1.4", "mlflow": "3.17.2"}
    return report(
        *(finding(f"env.present[{name}]", seconds=0.0001) for name in ("POSTGRES_HOST", "POSTGRES_PORT", "REDIS_HOST")),
        *(finding(f"env.type[{name}]", seconds=0.0001) for name in ("POSTGRES_HOST", "POSTGRES_PORT", "REDIS_HOST")),
        finding("env.present[REDIS_PASSWORD]", "skipped", message="optional, not set", seconds=0.0),
        *(finding(f"service.ready[{name}]", seconds=0.031) for name in versions),
        *(finding(f"service.version[{name}]", actual=seen, seconds=0.02) for name, seen in versions.items()),
        finding("service.tls[postgresql]"),
        finding("table.present[features.user_demographics]", actual="1,200 rows"),
        *(finding(f"table.column[features.user_demographics:{name}]") for name in ("user_id", "age", "gender")),
        finding("feature.view[user_demographics]", seconds=0.081),
        finding("feature.dtype[user_demographics:age]", actual="Int64"),
        finding("mlflow.health[/health]", seconds=0.006),
        finding("mlflow.artifact_proxy[round_trip]", seconds=0.191),
        finding("fixture.online[known_users]"),
        finding("sla.latency[online-read-p95]", actual="p95 3.1 ms of 200 reads", seconds=0.9),
    )


def broken() -> Report:
    """PostgreSQL is down and a column is missing; a version is waived."""
    down = finding(
        "service.ready[postgresql]",
        "failed",
        message="postgresql does not answer on localhost:5432: connection refused",
        expected="postgresql of this stack answers postgresql",
        actual="no such answer",
        repairs=(UP, Repair("mmp-dev logs postgresql", "shows what it said last")),
        seconds=0.004,
    )
    dtype = finding(
        "feature.dtype[user_demographics:age]",
        "failed",
        message="feature age of view user_demographics has another type",
        expected="Int64",
        actual="Float64",
        declared="dev-contract.yml:141",
        repairs=(Repair("mmp-dev features apply", "registers the definitions of this workspace"),),
    )
    waived = finding(
        "service.version[redis]",
        "warning",
        message="redis runs in a version outside the promised range (waived until 2026-12-31: waits for the new image)",
        expected=">=8,<9",
        actual="7.4.2",
        waived="waits for the new image",
    )
    told = {each.clause: each for each in (down, dtype, waived)}
    findings = []
    for each in kept().findings:
        if each.service == "postgresql" and each.clause not in told:
            each = finding(each.clause, "blocked", message=f"waits for {down.clause}", cause=down.clause, seconds=0.0)
        findings.append(told.get(each.clause, each))
    return report(*findings)


def unknown() -> Report:
    """Nothing is broken, as far as is known."""
    open_ = finding("mlflow.health[/health]", "unknown", message="could not be checked: ReadTimeout: 10 seconds")
    return report(*(open_ if each.clause == open_.clause else each for each in kept().findings))


def many(count: int = 2000) -> Report:
    """So many clauses as a large feature store has."""
    one = finding("service.ready[redis]", "failed", message="redis does not answer", repairs=(UP,))
    columns = (
        finding(f"table.column[features.table_{n // 20}:column_{n}]", seconds=n / 1e5) for n in range(count - 300)
    )
    blocked = (
        finding(f"feature.dtype[view_{n}:f]", "blocked", message=f"waits for {one.clause}", cause=one.clause)
        for n in range(299)
    )
    return report(one, *columns, *blocked, seconds=12.4)


def hostile() -> Report:
    """Text that would be markup, commands or another layout where it is not escaped; in every field."""
    findings = [
        finding(
            f"feature.view[{text}]", outcome, message=text, expected=text, actual=text, repairs=(Repair(text, text),)
        )
        for text in HOSTILE
        for outcome in ("failed", "warning", "passed")
    ]
    return report(*findings, selected=HOSTILE[:1])
