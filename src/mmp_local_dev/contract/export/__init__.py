"""The contract in other forms. Each is a pure function of the contract; to add one, a line in FORMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mmp_local_dev.contract.export.form_1_0 import form_1_0
from mmp_local_dev.contract.export.json_schema import json_schema
from mmp_local_dev.contract.export.markdown import markdown
from mmp_local_dev.contract.model import Contract

FORMS: Mapping[str, Callable[[Contract], str]] = {
    "1.0": form_1_0,
    "json-schema": json_schema,
    "markdown": markdown,
}
