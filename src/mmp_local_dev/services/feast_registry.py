"""What stands in a Feast registry file, read without Feast, which takes seconds to import and need not be installed.

The file is one protobuf message, declared here with the numbers of Feast's own definitions (protos/feast/core/
{Registry,Project,Entity,FeatureView,StreamFeatureView,OnDemandFeatureView,FeatureService,DataSource,Feature}.proto and
protos/feast/types/Value.proto).
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from mmp_local_dev.errors import MmpError
from mmp_local_dev.services import protobuf

PATH = "FEAST_REGISTRY_PATH"  # the variable that says where the file is

_LARGEST = 64 * 2**20  # bytes; a thousand views take about one million

# As `protobuf.message_class` takes them.
_MESSAGES = {
    "Registry": "1 entities *Entity, 6 feature_views *FeatureView, 7 feature_services *FeatureService, "
    "8 on_demand_feature_views *OnDemandFeatureView, 14 stream_feature_views *StreamFeatureView, "
    "15 project_metadata *ProjectMetadata, 17 projects *Project",
    "Project": "1 spec ProjectSpec",
    "ProjectSpec": "1 name string",
    "ProjectMetadata": "1 project string",
    "Entity": "1 spec EntitySpec",
    "EntitySpec": "1 name string, 2 value_type int32, 4 join_key string, 9 project string",
    "FeatureView": "1 spec FeatureViewSpec, 2 meta Meta",
    "FeatureViewSpec": "1 name string, 2 project string, 3 entities *string, 4 features *Feature, 6 ttl Time, "
    "7 batch_source DataSource, 8 online bool, 12 entity_columns *Feature, 15 feature_transformation bytes, "
    "20 disabled bool",
    "StreamFeatureView": "1 spec StreamFeatureViewSpec, 2 meta Meta",
    "StreamFeatureViewSpec": "1 name string, 2 project string, 3 entities *string, 4 features *Feature, "
    "5 entity_columns *Feature, 9 ttl Time, 10 batch_source DataSource, 12 online bool, 15 aggregations *bytes, "
    "17 feature_transformation bytes, 23 disabled bool",
    "OnDemandFeatureView": "1 spec OnDemandFeatureViewSpec, 2 meta Meta",
    "OnDemandFeatureViewSpec": "1 name string, 2 project string, 3 features *Feature, 13 entities *string, "
    "19 disabled bool",
    "FeatureService": "1 spec FeatureServiceSpec",
    "FeatureServiceSpec": "1 name string, 2 project string, 3 features *Projection",
    "Projection": "1 feature_view_name string, 2 feature_columns *Feature",
    "Feature": "1 name string, 2 value_type int32",
    "DataSource": "2 field_mapping *Mapped, 3 timestamp_field string, 5 created_timestamp_column string, "
    "16 custom_options CustomSourceOptions",
    "Mapped": "1 key string, 2 value string",
    "CustomSourceOptions": "1 configuration bytes",
    "Meta": "2 last_updated_timestamp Time",
    "Time": "1 seconds int64, 2 nanos int32",  # Duration and Timestamp alike
}

# feast.types.ValueType.Enum, with the words that users write in Python.
_SCALARS = {
    **{1: "Bytes", 2: "String", 3: "Int32", 4: "Int64", 5: "Float64", 6: "Float32", 7: "Bool", 8: "UnixTimestamp"},
    **{20: "Map", 30: "PdfBytes", 31: "ImageBytes", 32: "Json", 34: "Struct", 36: "Uuid", 37: "TimeUuid"},
    **{44: "Decimal", 47: "ScalarMap", 48: "ZonedTimestamp"},
}
_LISTS = {11: 1, 12: 2, 13: 3, 14: 4, 15: 5, 16: 6, 17: 7, 18: 8, 21: 20, 33: 32, 35: 34, 38: 36, 39: 37, 45: 44}
_SETS = {22: 1, 23: 2, 24: 3, 25: 4, 26: 5, 27: 6, 28: 7, 29: 8, 40: 36, 41: 37, 46: 44}
_DTYPES = {
    **_SCALARS,
    **{number: f"Array({_SCALARS[of]})" for number, of in _LISTS.items()},
    **{number: f"Set({_SCALARS[of]})" for number, of in _SETS.items()},
}

_NO_ENTITY, _NO_KEY = "__dummy", "__dummy_id"  # Feast's own, of views without one


@dataclass(frozen=True)
class RegisteredEntity:
    """An entity; `dtype` is its value type in the words that users write."""

    join_key: str
    dtype: str


@dataclass(frozen=True)
class RegisteredView:
    """A feature view of any kind: `batch`, `stream` or `on demand`.

    `ttl` in seconds, 0 for none. `table` or `query` is what PostgreSQL is asked, both "" for another kind of source.
    `online`: it is served online, which one that is switched off is not. `updated`: when it was applied last.
    `join_keys` are the keys of a row with their types; `columns` what is called otherwise in the source than here;
    `created_timestamp_column` decides between rows of one moment, "" for nothing does. `computed`: the features are no
    columns of the source, Python makes them of these.
    """

    kind: str
    entities: tuple[str, ...]
    features: Mapping[str, str]
    ttl: int = 0
    online: bool = True
    table: str = ""
    query: str = ""
    timestamp_field: str = ""
    updated: datetime | None = None
    join_keys: Mapping[str, str] = field(default_factory=dict)
    created_timestamp_column: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    computed: bool = False


@dataclass(frozen=True)
class Project:
    """What one project of a registry holds; `services` are feature services as references `view:feature`."""

    name: str
    entities: Mapping[str, RegisteredEntity] = field(default_factory=dict)
    views: Mapping[str, RegisteredView] = field(default_factory=dict)
    services: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Registry:
    """A whole registry file: its projects by name."""

    projects: Mapping[str, Project]


def read(path: Path) -> Registry:
    """The registry in this file. Raises MmpError, REGISTRY_UNUSABLE, when it is not there, too large or not one."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
            raise _unusable(path, "is no file")
        if found.st_size > _LARGEST:
            raise _unusable(path, f"is no Feast registry: it has more than {_LARGEST // 2**20} MB")
        content = path.read_bytes()
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    return _registry(_parsed(path, content))


def digest(project: Project) -> str:
    """Of everything that was defined, and of nothing that changes while it is in use, such as times."""
    views = {name: (*vars(replace(view, updated=None)).values(),) for name, view in project.views.items()}
    services = {name: sorted(references) for name, references in project.services.items()}
    told = json.dumps([project.name, project.entities, views, services], default=vars, sort_keys=True)
    return sha256(told.encode()).hexdigest()


def _unusable(path: Path, why: str) -> MmpError:
    return MmpError(f"{path} {why}.", code="REGISTRY_UNUSABLE")


def _parsed(path: Path, content: bytes) -> Any:
    try:
        return protobuf.parsed(_message_class(), content)
    except ValueError:
        raise _unusable(path, "is no Feast registry, or only a part of one") from None


@cache
def _message_class() -> Any:
    return protobuf.message_class("registry", _MESSAGES, "Registry")


def _registry(message: Any) -> Registry:
    names = [each.spec.name for each in message.projects]
    names += [each.project for each in message.project_metadata]  # all that older releases of Feast write
    return Registry({name: _project(message, name) for name in dict.fromkeys(names)})


def _project(message: Any, name: str) -> Project:
    entities = (e.spec for e in message.entities if e.spec.project == name and e.spec.name != _NO_ENTITY)
    services = (s.spec for s in message.feature_services if s.spec.project == name)
    return Project(
        name,
        {spec.name: RegisteredEntity(spec.join_key, _dtype(spec.value_type)) for spec in entities},
        {view.spec.name: _view(kind, view) for kind, view in _views(message) if view.spec.project == name},
        {spec.name: frozenset(_references(spec)) for spec in services},
    )


def _views(message: Any) -> Iterator[tuple[str, Any]]:
    yield from (("batch", view) for view in message.feature_views)
    yield from (("stream", view) for view in message.stream_feature_views)
    yield from (("on demand", view) for view in message.on_demand_feature_views)


def _view(kind: str, view: Any) -> RegisteredView:
    spec, updated = view.spec, view.meta.last_updated_timestamp.seconds
    stored = {"online": not spec.disabled} if kind == "on demand" else _stored(spec)
    return RegisteredView(
        kind,
        tuple(entity for entity in spec.entities if entity != _NO_ENTITY),
        {feature.name: _dtype(feature.value_type) for feature in spec.features},
        updated=datetime.fromtimestamp(updated, UTC) if updated else None,
        **stored,
    )


def _stored(spec: Any) -> dict[str, Any]:
    """What only a view with data of its own has."""
    source = _options(spec.batch_source.custom_options.configuration)
    return {
        "ttl": spec.ttl.seconds,
        "online": spec.online and not spec.disabled,
        "table": source.get("table", ""),
        "query": source.get("query", ""),
        "timestamp_field": spec.batch_source.timestamp_field,
        "join_keys": {each.name: _dtype(each.value_type) for each in spec.entity_columns if each.name != _NO_KEY},
        "created_timestamp_column": spec.batch_source.created_timestamp_column,
        "columns": {each.value: each.key for each in spec.batch_source.field_mapping},
        "computed": bool(spec.feature_transformation or getattr(spec, "aggregations", ())),
    }


def _options(configuration: bytes) -> dict[str, str]:
    """What Feast's PostgreSQLSource writes; empty for another source."""
    with suppress(ValueError):
        found = json.loads(configuration)
        if isinstance(found, dict):
            return {key: value for key, value in found.items() if isinstance(value, str)}
    return {}


def _dtype(value_type: int) -> str:
    return _DTYPES.get(value_type, f"value type {value_type}")


def _references(spec: Any) -> Iterator[str]:
    for projection in spec.features:
        yield from (f"{projection.feature_view_name}:{feature.name}" for feature in projection.feature_columns)
