"""What the feature store holds."""

from __future__ import annotations

from mmp_local_dev.contract.load.build.terms import optional, seconds, terms, words
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import Entity, Feast, Feature, FeatureService, FeatureView


def feast(document: Node) -> Feast | None:
    """The section `feast`; None when there is none."""
    if "feast" not in document.members:
        return None
    node = document.at("feast")
    return Feast(
        project=node.at("project").text,
        entity_key_serialization_version=int(node.at("entity_key_serialization_version").text),
        entities={name: _entity(name, entity) for name, entity in node.at("entities").members.items()},
        views={name: _view(name, view) for name, view in node.at("feature_views").members.items()},
        services={name: _service(name, service) for name, service in node.at("feature_services").members.items()},
        line=node.line,
    )


def _entity(name: str, node: Node) -> Entity:
    return Entity(name, join_key=node.at("join_key").text, dtype=node.at("dtype").text, **terms(node))


def _view(name: str, node: Node) -> FeatureView:
    return FeatureView(
        name=name,
        entities=words(node.at("entities")),
        features={feature: _feature(feature, each) for feature, each in node.at("features").members.items()},
        source=optional(node, "source"),
        timestamp_field=optional(node, "timestamp_field"),
        ttl=seconds(node.at("ttl")),
        online=not node.at("online").is_false,
        definition_digest=node.at("definition_digest").text,
        **terms(node),
    )


def _feature(name: str, node: Node) -> Feature:
    """In its short form, a type, or in its long one."""
    return Feature(name, dtype=node.text or node.at("dtype").text, **terms(node))


def _service(name: str, node: Node) -> FeatureService:
    return FeatureService(name, features=words(node.at("features")), **terms(node))
