"""The Compose file as it is written by hand: references, both forms of ports, merges, and what is broken."""

from __future__ import annotations

import pytest

from mmp_local_dev.contract.static.compose import ComposeService, expanded, parse, reference
from mmp_local_dev.errors import ContractInvalid


def service(text: str) -> ComposeService:
    return parse("compose.yml", f"services:\n  web:\n{text}")["web"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("postgres:17", "postgres:17"),
        ("${IMAGE}", ""),
        ("$IMAGE", ""),
        ("${IMAGE:-postgres:17}", "postgres:17"),
        ("${IMAGE-postgres:17}", "postgres:17"),
        ("${IMAGE:-${PREFIX:-hub/}postgres:17}", "hub/postgres:17"),
        ("${IMAGE:?is not set}", ""),
        ("${IMAGE:+another}", ""),
        ("$$HOME", "$HOME"),
        ("a ${ b", "a ${ b"),
    ],
)
def test_references_become_their_defaults(text: str, meant: str) -> None:
    assert expanded(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("${PORT}", ("PORT", "")),
        ("$PORT", ("PORT", "")),
        ("${PORT:-5432}", ("PORT", "5432")),
        ("${PORT:?no port}", ("PORT", "")),
        ("5432", None),
        ("1${PORT}", None),
        ("$$", None),
    ],
)
def test_a_reference_alone_names_its_variable(text: str, meant: tuple[str, str] | None) -> None:
    assert reference(text) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"5432"', ("", "", "5432")),
        ("5432", ("", "", "5432")),
        ('"5433:5432"', ("", "5433", "5432")),
        ('"127.0.0.1:5433:5432/tcp"', ("127.0.0.1", "5433", "5432")),
        ('"127.0.0.1::5432"', ("127.0.0.1", "", "5432")),
        ('"[::1]:5433:5432"', ("::1", "5433", "5432")),
        ('"${HOST:-127.0.0.1}:${PORT:-5432}:5432"', ("${HOST:-127.0.0.1}", "${PORT:-5432}", "5432")),
        ("{target: 80, published: 8080, host_ip: 127.0.0.1}", ("127.0.0.1", "8080", "80")),
        ("{target: 80}", ("", "", "80")),
    ],
)
def test_ports_have_an_address_a_host_and_a_container_part(written: str, meant: tuple[str, str, str]) -> None:
    (found,) = service(f"    ports:\n      - {written}\n").ports
    assert (found.address, found.host, found.container) == meant
    assert str(found.place) == "compose.yml:4"


def test_what_is_merged_counts_unless_it_is_said_again() -> None:
    text = "x-a: &a {image: a, user: b}\nx-c: &c {image: c}\nservices: {web: {<<: [*c, *a], user: d}}\n"
    web = parse("compose.yml", text)["web"]
    assert (web.image, web.node.at("user").text) == ("c", "d")


def test_either_form_of_the_rest() -> None:
    short = service("    build: ./web\n    environment: [A=1, B]\n    healthcheck: {test: curl x}\n")
    long = service("    build: {context: web}\n    environment: {A: 1}\n    healthcheck: {test: [CMD, curl, x]}\n")
    assert (short.build_context, short.environment, short.health_command) == ("./web", {"A": "1", "B": ""}, "curl x")
    assert (long.build_context, long.environment, long.health_command) == ("web", {"A": "1"}, "CMD curl x")


@pytest.mark.parametrize("text", ["services: [", "services:\n  a: &x [*x]\n", "", "a: \x00"])
def test_what_is_no_yaml_is_told_with_its_line(text: str) -> None:
    with pytest.raises(ContractInvalid, match=r"^compose\.yml:\d+: "):
        parse("compose.yml", text)


@pytest.mark.parametrize("text", ["[]", "services: 1", "services: {a: 1}", "services: {a: {ports: {}}}", "a"])
def test_what_has_another_form_has_no_services_or_ports(text: str) -> None:
    assert [found.ports for found in parse("compose.yml", text).values()] in ([], [()])
