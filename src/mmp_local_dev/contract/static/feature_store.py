"""`feature_store.yaml`: what Feast is told about the project, the registry and the stores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.static.files import Place

# Feast passes the file through os.path.expandvars.
_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")


@dataclass(frozen=True)
class FeatureStore:
    """The file `name`, as a tree."""

    name: str
    document: Node

    def text(self, *names: str) -> str:
        """What stands at the key below `names`; "" for nothing."""
        return self.document.at(*names).text

    def type_of(self, store: str) -> str:
        """The type of `online_store` or `offline_store`, in the long form or the short one."""
        return self.text(store, "type") or self.text(store)

    @property
    def registry(self) -> str:
        """The registry's path, in the long form or the short one."""
        return self.text("registry", "path") or self.text("registry")

    def place(self, *names: str) -> Place:
        """Where the key below `names` stands; the file's beginning when it does not."""
        return Place(self.name, self.document.at(*names).line or 1)


def parse(name: str, text: str) -> FeatureStore:
    """The file `name`. Raises ContractInvalid, as `file:line: why`, for no readable YAML."""
    return FeatureStore(name, read(name, text, merges=True)[0])


def expanded(text: str, values: Mapping[str, str]) -> str:
    """`text` as Feast reads it where `values` are set; a variable without a value stays as it is."""
    return _REFERENCE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def references(text: str) -> set[str]:
    """The names of the variables in `text`."""
    return {found[1] or found[2] for found in _REFERENCE.finditer(text)}
