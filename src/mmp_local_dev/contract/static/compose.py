"""The Compose file as far as the contract is about it: images, ports and the little else that can drift."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.static.files import Place

# `${NAME:-word}` and its kin; a word may hold two more levels of braces.
_WORD = r"(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*"
_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)"
    rf"|\{{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-?+])(?P<word>{_WORD}))?\}})"
)
_PART_OF_PORT = re.compile(rf"(?:\{{{_WORD}\}}|\[[^\]]*\]|[^:{{}}\[\]])+")


@dataclass(frozen=True)
class Published:
    """One entry of `ports` as it is written: address and port of the host, "" where left out, and the container's."""

    address: str
    host: str
    container: str
    place: Place


@dataclass(frozen=True)
class ComposeService:
    """One service of the file; its texts hold references to variables as they are written."""

    name: str
    node: Node
    place: Place
    ports: tuple[Published, ...]

    @property
    def image(self) -> str:
        """The image, its references replaced by their defaults; "" for none."""
        return expanded(self.node.at("image").text)

    @property
    def build_context(self) -> str:
        """The folder that its image is built from; "" when it is not built here."""
        build = self.node.at("build")
        return expanded(build.text or build.at("context").text)

    @property
    def environment(self) -> Mapping[str, str]:
        """Its own variables, in either form of the file."""
        node = self.node.at("environment")
        pairs = [item.text.partition("=")[::2] for item in node.items]
        return dict(pairs) | {name: value.text for name, value in node.members.items()}

    @property
    def on_host_network(self) -> bool:
        """Whether it shares the host's network, so that nothing is published."""
        return self.node.at("network_mode").text == "host"

    @property
    def health_command(self) -> str:
        """The command of its healthcheck, its words joined by spaces."""
        test = self.node.at("healthcheck", "test")
        return test.text or " ".join(item.text for item in test.items)

    def place_of(self, *names: str) -> Place:
        """Where the part below `names` stands; where the service stands if it has none."""
        return Place(self.place.file, self.node.at(*names).line or self.place.line)


def parse(name: str, text: str) -> dict[str, ComposeService]:
    """The services of the Compose file `name`. Raises ContractInvalid, as `file:line: why`, for no readable YAML."""
    document, _ = read(name, text, merges=True)
    return {key: _service(name, key, node) for key, node in document.at("services").members.items()}


def _service(file: str, name: str, node: Node) -> ComposeService:
    ports = tuple(_published(item, Place(file, item.line)) for item in node.at("ports").items)
    return ComposeService(name, node, Place(file, node.line), ports)


def _published(item: Node, place: Place) -> Published:
    if item.members:
        address, host, container = (item.at(each).text for each in ("host_ip", "published", "target"))
        return Published(address, host, expanded(container), place)
    *before, container = _PART_OF_PORT.findall(item.text.partition("/")[0]) or [""]
    address, host = ["", "", *before][-2:]
    return Published(address.strip("[]"), host, expanded(container), place)


def expanded(text: str) -> str:
    """`text` as Compose reads it where no variable is set: references become their defaults, or nothing."""
    return _REFERENCE.sub(_default, text)


def _default(found: re.Match[str]) -> str:
    if found["escaped"]:
        return "$"
    return expanded(found["word"]) if (found["operator"] or "").endswith("-") else ""


def reference(text: str) -> tuple[str, str] | None:
    """Name and default ("" for none) of the variable that `text` refers to; None when it is not just a reference."""
    found = _REFERENCE.fullmatch(text)
    if not found or found["escaped"]:
        return None
    return found["name"] or found["plain"], _default(found)
