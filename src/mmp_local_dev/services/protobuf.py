"""Protobuf messages that are declared here in a few words, without the files that their owner generates for them.

Only the fields that are used are declared, with the numbers of the owner's definitions; others are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ONE = "one"  # the oneof of a message, for WhichOneof


def message_class(package: str, messages: Mapping[str, str], name: str) -> Any:
    """The class of the message `name`, in a pool of its own: the owner's has the same names in the common one.

    Each of `messages` lists its fields as `number name type`: `*` before the type is repeated, `|` one of which only
    one is there, and a type in lower case one of protobuf's own.
    """
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for each, fields in messages.items():
        message = file.message_type.add(name=each)
        if "|" in fields:
            message.oneof_decl.add(name=ONE)
        for field in fields.split(", "):
            _declare(message, messages, package, *field.split())
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))


def _declare(message: Any, messages: Mapping[str, str], package: str, number: str, name: str, type_: str) -> None:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

    element = type_.lstrip("*|")
    declared = message.field.add(name=name, number=int(number))
    declared.label = Field.LABEL_REPEATED if type_.startswith("*") else Field.LABEL_OPTIONAL
    if type_.startswith("|"):
        declared.oneof_index = 0
    if element in messages:
        declared.type, declared.type_name = Field.TYPE_MESSAGE, f".{package}.{element}"
    else:
        declared.type = Field.Type.Value(f"TYPE_{element.upper()}")


def parsed(message: Any, content: bytes) -> Any:
    """`content` as a message of the class `message`. Raises ValueError for what is none."""
    from google.protobuf.message import DecodeError

    try:
        return message.FromString(content)
    except DecodeError:
        raise ValueError("no such message") from None
