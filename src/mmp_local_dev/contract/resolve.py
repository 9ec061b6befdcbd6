"""From a contract and what was given to the environment that everything runs with. Pure but for made-up secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mmp_local_dev.contract.model import Contract, Variable
from mmp_local_dev.contract.values import problem
from mmp_local_dev.environment import Environment, generate_secret
from mmp_local_dev.errors import EnvironmentInvalid, Repair

# A part that there may not be is published as an empty value: where its variable is not set, Feast's configuration and
# others that expand `${REDIS_PASSWORD}` would take that for the password.
_MAY_BE_EMPTY = "redis.password"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Layer:
    """Values from one source, whose name is used in messages. An empty value counts as none, as in Compose's `:-`."""

    source: str
    values: Mapping[str, str]


def resolve(contract: Contract, layers: Sequence[Layer], *, settings: Mapping[str, str]) -> Environment:
    """The final values of the contract's variables and of `settings` (name to default); earlier layers win.

    A required secret that no layer has is made up; a password that there need not be is empty then. Raises
    EnvironmentInvalid for a value of the wrong type, and when one source names a service's port and URL and the two
    disagree.
    """
    values: dict[str, str] = {}
    for variable in contract.variables.values():
        if (value := _value(variable, layers)) is not None:
            values[variable.name] = value
    values |= _locations(contract, layers)
    for name, default in settings.items():
        values[name] = _first(name, layers)[0] or default
    return Environment(values, frozenset(v.name for v in contract.variables.values() if v.sensitive))


def _value(variable: Variable, layers: Sequence[Layer]) -> str | None:
    value, source = _first(variable.name, layers)
    if value is None:
        makes_one_up = variable.required and variable.sensitive and not variable.accepted
        none = "" if variable.binds == _MAY_BE_EMPTY else None
        return variable.default or (generate_secret() if makes_one_up else none)
    if wrong := problem(variable.type, value):
        shown = "" if variable.sensitive else f" ({value!r})"
        raise EnvironmentInvalid(f"{variable.name}{shown} from {source} is no {variable.type}: {wrong}.")
    return value


def _first(name: str, layers: Sequence[Layer]) -> tuple[str | None, str]:
    return next(((layer.values[name], layer.source) for layer in layers if layer.values.get(name)), (None, ""))


def _locations(contract: Contract, layers: Sequence[Layer]) -> dict[str, str]:
    """URL and port of each service that has both: the first layer with one of them decides the other."""
    found: dict[str, str] = {}
    for name, service in contract.services.items():
        uri, port = contract.bound(f"{name}.uri"), contract.bound(f"{name}.port")
        if uri and port:
            default = {uri.name: uri.default} if uri.default else {port.name: port.default or str(service.port)}
            found |= _location(uri, port, [*layers, Layer("the contract", default)], scheme=service.protocol)
    return found


def _location(uri: Variable, port: Variable, layers: Sequence[Layer], *, scheme: str) -> dict[str, str]:
    for index, layer in enumerate(layers):
        given_uri, given_port = layer.values.get(uri.name), layer.values.get(port.name)
        if given_uri:
            parts = urlsplit(given_uri)
            in_uri = str(parts.port or _DEFAULT_PORTS[parts.scheme])
            if given_port and given_port != in_uri:
                raise _disagreement(uri, port, layer, given_uri, given_port)
            return {uri.name: given_uri.rstrip("/"), port.name: in_uri}
        if given_port:
            lower = _first(uri.name, layers[index:])[0]
            return {uri.name: f"{scheme}://{_host(lower)}:{given_port}", port.name: given_port}
    raise AssertionError("the contract's own layer has one of the two")


def _host(uri: str | None) -> str:
    host = (urlsplit(uri).hostname if uri else None) or "localhost"
    return f"[{host}]" if ":" in host else host


def _disagreement(uri: Variable, port: Variable, layer: Layer, in_uri: str, in_port: str) -> EnvironmentInvalid:
    return EnvironmentInvalid(
        f"{uri.name}={in_uri} and {port.name}={in_port}, both from {layer.source}, name different ports.",
        repairs=[Repair("", f"remove {uri.name} from {layer.source}: {port.name} alone decides")],
    )
