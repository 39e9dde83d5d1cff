"""Arrays as PostgreSQL's text, to be cast where they are used: `%s::uuid[]`.

psycopg turns a list into an array item by item, at several times the cost of what is done with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec


def of_ids(ids: Iterable[UUID]) -> str:
    """For uuid[]."""
    return "{" + ",".join([f"{id_.int:032x}" for id_ in ids]) + "}"


def of_sent_ids(ids: bytes) -> str:
    """Ids as PostgreSQL sends them, 16 bytes each, one behind the other."""
    digits = ids.hex()
    return f"{{{','.join([digits[at : at + 32] for at in range(0, len(digits), 32)])}}}"


def of_keys(keys: Iterable[bytes]) -> str:
    """For uuid[], of ids that are bytes."""
    return "{" + ",".join([key.hex() for key in keys]) + "}"


def of_texts(texts: Iterable[str | None]) -> str:
    """For text[] and whatever else has such a text."""
    given = list(texts)
    written = _json(given).decode()
    if "\\" not in written:  # JSON quotes as PostgreSQL does where nothing must be escaped
        return "{" + written[1:-1] + "}"
    return "{" + ",".join([_NULL if text is None else _quoted(text) for text in given]) + "}"


def of_bags(bags: Iterable[Any]) -> str:
    """For jsonb[], of what JSON can say: its texts as one more, whose escapes PostgreSQL shares.

    (In the text of a JSON value there is nothing to escape but quotes and backslashes.)
    """
    return "{" + _json([_json(bag).decode() for bag in bags]).decode()[1:-1] + "}"


def of_plain(values: Sequence[Any]) -> str:
    """For times and numbers, of which JSON writes as PostgreSQL does: all at once, so fast."""
    return "{" + _json(values).decode()[1:-1] + "}"


def of_bytes(values: Iterable[bytes]) -> str:
    """For bytea[]."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


EMPTY = "{}"
_NULL = "NULL"
_json = msgspec.json.Encoder().encode
