"""Custom attributes: the type a value shows, what an agent types, and which keys there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg

from regulars.kit.connection import later
from regulars.kit.ids import key_hash
from regulars.workspaces.errors import InvalidError

Scope = Literal["attributes", "company"]

# A second type for a known key makes it mixed; the same type changes nothing.
LEARN = """
INSERT INTO attribute_key (project_id, id, scope, key, type, created_at)
SELECT %(project)s, n.id, n.scope, n.key, n.type, %(now)s
FROM unnest(%(ids)s::uuid[], %(scopes)s::text[], %(keys)s::text[], %(types)s::text[])
     AS n (id, scope, key, type)
ORDER BY n.id
ON CONFLICT (project_id, id) DO UPDATE SET type = 'mixed'
WHERE attribute_key.type <> excluded.type AND attribute_key.type <> 'mixed'
"""
TYPE = "SELECT type FROM attribute_key WHERE project_id = %s AND id = %s"

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")
_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?")
_YES, _NO = frozenset({"true", "yes"}), frozenset({"false", "no"})


def type_of(value: Any) -> str:
    """The type that a value shows."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "date" if _ISO.fullmatch(value) else "text"
    return "list" if isinstance(value, list) else "object"


def learn(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    types: Mapping[tuple[Scope, str], str],
    now: datetime,
) -> None:
    """Remember keys with the types they were seen with."""
    ordered = sorted(types)
    later(
        connection,
        LEARN,
        {
            "project": project_id,
            "ids": [key_hash(scope, key) for scope, key in ordered],
            "scopes": [scope for scope, _ in ordered],
            "keys": [key for _, key in ordered],
            "types": [types[one] for one in ordered],
            "now": now,
        },
    )


def known_type(connection: psycopg.Connection[Any], project_id: UUID, key: str) -> str | None:
    """The type that a custom attribute's values have so far; None for a new one."""
    row = connection.execute(TYPE, (project_id, key_hash("attributes", key))).fetchone()
    return row[0] if row else None


def typed(key: str, text: str, known: str | None) -> Any:
    """What an agent typed, as a value of the attribute's type; blank text is none.

    Numbers and truth values are recognised where the attribute holds such, or nothing yet.
    Raises InvalidError where the attribute holds something that this is not.
    """
    text = text.strip()
    if not text:
        return None
    if known == "text":
        return text
    if known in (None, "mixed"):
        return _inferred(text)
    value = _inferred(text)
    if known == "boolean" and isinstance(value, str) and value.lower() in _YES | _NO:
        return value.lower() in _YES
    if type_of(value) != known:
        raise InvalidError(f"attributes.{key}", _EXPECTED[known])
    return value


def _inferred(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text) and not (text.lstrip("+-").startswith("0") and text[1:2].isdigit()):
        return float(text) if "." in text else int(text)
    return text


_EXPECTED = {
    "number": "Expected a number, such as 42 or 9.50.",
    "boolean": "Expected true or false.",
    "date": "Expected a date, such as 2025-03-12.",
    "list": "A list can only be changed by your product.",
    "object": "An object can only be changed by your product.",
}
