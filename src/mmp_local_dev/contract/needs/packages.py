"""The packages of a consumer, and which of their versions it comes with."""

from __future__ import annotations


def distribution(package: str) -> str:
    """The name by which packages are compared; one with a C library inside (psycopg2-binary) counts as the same."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(package).removesuffix("-binary")


def as_range(versions: str) -> str:
    """A single version as a range, a range as it is."""
    return f"=={versions}" if versions[0].isdigit() else versions
