"""From a sound document to the contract's values. Nothing is checked here: `load` has had it checked."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev.contract.load.build import fixtures, tables
from mmp_local_dev.contract.load.build.feast import feast
from mmp_local_dev.contract.load.build.form_1_0 import build_1_0
from mmp_local_dev.contract.load.build.servers import services, variables
from mmp_local_dev.contract.load.build.terms import words
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import Contract

__all__ = ["build", "build_1_0"]


def build(path: Path, document: Node) -> Contract:
    """The contract that `document`, of the form mmp.dev/v2 and read from `path`, describes."""
    metadata, capabilities = document.at("metadata"), document.at("mlflow", "capabilities")
    return Contract(
        path=path,
        name=metadata.at("name").text,
        version=document.at("version").text,
        form=document.at("apiVersion").text,
        variables=variables(document),
        services=services(document),
        tables=tables.tables(document),
        feast=feast(document),
        mlflow_capabilities=words(capabilities),
        fixtures=fixtures.fixtures(document),
        service_levels=tables.service_levels(document),
        reserved={kind: words(names) for kind, names in document.at("reserved").members.items()},
        ruleset=int(document.at("ruleset").text or 1),
        verification_script=document.at("verification_script").text,
        status=metadata.at("status").text,
        owner=metadata.at("owner").text,
        description=metadata.at("description").text,
        mlflow_line=capabilities.line,
    )
