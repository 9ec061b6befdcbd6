"""The data that is guaranteed to be there."""

from __future__ import annotations

from datetime import datetime

from mmp_local_dev.contract.load.build.terms import optional, terms, words
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import KnownAnswer, KnownAnswers, KnownKeys, Scalar


def fixtures(document: Node) -> dict[str, KnownKeys | KnownAnswers]:
    """Every fixture, by name."""
    return {name: _fixture(name, node) for name, node in document.at("fixtures").members.items()}


def _fixture(name: str, node: Node) -> KnownKeys | KnownAnswers:
    return _known_keys(name, node) if "entity" in node.members else _known_answers(name, node)


def _known_keys(name: str, node: Node) -> KnownKeys:
    return KnownKeys(
        name=name,
        entity=node.at("entity").text,
        values=tuple(value.scalar for value in node.at("values").items),
        places=words(node.at("in")),
        given=node.at("given").text,
        **terms(node),
    )


def _known_answers(name: str, node: Node) -> KnownAnswers:
    at = optional(node, "at")
    return KnownAnswers(
        name=name,
        view=node.at("view").text,
        answers=tuple(_answer(answer) for answer in node.at("answers").items),
        at=datetime.fromisoformat(at) if at else None,
        given=node.at("given").text,
        **terms(node),
    )


def _answer(node: Node) -> KnownAnswer:
    return KnownAnswer(keys=_scalars(node.at("keys")), values=_scalars(node.at("values")))


def _scalars(node: Node) -> dict[str, Scalar]:
    return {name: value.scalar for name, value in node.members.items()}
