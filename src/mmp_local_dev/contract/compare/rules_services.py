"""What has changed about services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.compare.pairs import Pair, Place, Rule, compared
from mmp_local_dev.contract.model import Contract, ContractService
from mmp_local_dev.contract.ranges import is_subset

# The ways in that a service leaves open: a client that follows the old contract comes by any one of them.
_AUTH = {"none": ("no password",), "optional-password": ("no password", "password"), "password": ("password",)}
_TLS = {"none": ("plain text",), "offered": ("plain text", "TLS"), "required": ("TLS",)}


def changes(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    """Those of services."""
    yield from compared(old.services, new.services, _place, _RULES, as_of)


def _place(service: ContractService) -> Place:
    return Place("service", "services", Subject("service", service.name), service.name)


def _protocol(pair: Pair[ContractService]) -> Iterator[Change]:
    yield from pair.differs("service-protocol-changed", "protocol", pair.old.protocol, pair.new.protocol)


def _version(pair: Pair[ContractService]) -> Iterator[Change]:
    yield from _range(pair, "service-version", "version", pair.old.version, pair.new.version)


def _clients(pair: Pair[ContractService]) -> Iterator[Change]:
    old, new = pair.old.clients, pair.new.clients
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new:
            yield from _range(pair, "service-client", f"client {name}", old[name], new[name], part=name)
        else:
            word, told = ("removed", "gone") if name in old else ("added", "new")
            yield pair.change(
                f"service-client-{word}", f"client {name} is {told}", old.get(name, ""), new.get(name, ""), part=name
            )


def _range(
    pair: Pair[ContractService], rules: str, what: str, old: str, new: str, *, part: str = ""
) -> Iterator[Change]:
    inside, around = is_subset(new, old), is_subset(old, new)
    if inside and around:
        return
    word = "narrowed" if inside else "widened" if around else "moved"
    text = f"{what} is {new or 'any'}, was {old or 'any'}"
    yield pair.change(f"{rules}-{word}", text, old, new, part=part)


def _port_policy(pair: Pair[ContractService]) -> Iterator[Change]:
    word = "relaxed" if pair.new.port_policy == "env" else "fixed"
    yield from pair.differs(f"service-port-policy-{word}", "port_policy", pair.old.port_policy, pair.new.port_policy)


def _ports(pair: Pair[ContractService]) -> Iterator[Change]:
    """The published port, and that of every endpoint; the host's is the published one."""
    fixed = pair.old.port_policy == pair.new.port_policy == "fixed"
    rule = "service-port-changed" if fixed else "service-port-changed-env"
    yield from pair.differs(rule, "port", pair.old.port, pair.new.port)
    for view in _common_views(pair):
        old, new = _address(pair.old, view)[1], _address(pair.new, view)[1]
        if (old, new) != (str(pair.old.port), str(pair.new.port)):
            yield from pair.differs(rule, f"port of endpoint {view}", old, new, part=view)


def _endpoints(pair: Pair[ContractService]) -> Iterator[Change]:
    yield from pair.gained("service-endpoint", "seen from", tuple(pair.old.endpoints), tuple(pair.new.endpoints))
    for view in _common_views(pair):
        old, new = _address(pair.old, view)[0], _address(pair.new, view)[0]
        yield from pair.differs("service-endpoint-name-changed", f"name of endpoint {view}", old, new, part=view)


def _common_views(pair: Pair[ContractService]) -> list[str]:
    return sorted(pair.old.endpoints.keys() & pair.new.endpoints.keys())


def _address(service: ContractService, view: str) -> tuple[str, str]:
    host, _, port = service.endpoints[view].rpartition(":")
    return host, port


def _ways_in(pair: Pair[ContractService]) -> Iterator[Change]:
    yield from _ways(pair, "auth.method", _AUTH, pair.old.auth, pair.new.auth)
    yield from _ways(pair, "auth.tls", _TLS, pair.old.tls, pair.new.tls)


def _ways(
    pair: Pair[ContractService], what: str, ways: dict[str, tuple[str, ...]], old: str, new: str
) -> Iterator[Change]:
    before, after = set(ways[old]), set(ways[new])
    for rule, found, told in (
        ("service-auth-tightened", before - after, "can no longer be used"),
        ("service-auth-alternative-added", after - before, "can be used"),
    ):
        if found:
            yield pair.change(rule, f"{what} is {new}, so {', '.join(found)} {told}", old, new, part=what)


def _health(pair: Pair[ContractService]) -> Iterator[Change]:
    yield from pair.appears("service-health-path", "health path", pair.old.health_path, pair.new.health_path)


def _needs(pair: Pair[ContractService]) -> Iterator[Change]:
    old, new = (", ".join(sorted(service.needs)) for service in (pair.old, pair.new))
    yield from pair.differs("service-needs-changed", "needs", old, new)


_RULES: tuple[Rule[ContractService], ...] = (
    *(_protocol, _version, _clients, _port_policy, _ports),
    *(_endpoints, _ways_in, _health, _needs),
)
