"""Arrays as text are read by PostgreSQL as the values they were made of."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg

from regulars.kit import arrays

ODD = [
    "", "NULL", "null", "a,b", "{}", 'say "hi"', "back\\slash", "\\n", "\n\t\r", "\x01\x7f",
    "\u2028王", " ",
]  # fmt: skip


def read(connection: psycopg.Connection[Any], array: str, type_: str) -> Any:
    (row,) = connection.execute(f"SELECT %s::{type_}[]", (array,)).fetchall()
    return row[0]


def test_texts_are_what_they_were(database: psycopg.Connection[Any]) -> None:
    for one in (*ODD, None):
        assert read(database, arrays.of_texts([one]), "text") == [one]
    assert read(database, arrays.of_texts([*ODD, None]), "text") == [*ODD, None]


def test_bags_are_what_they_were(database: psycopg.Connection[Any]) -> None:
    bags = [{}, [], *({one: [one, {"in": one}]} for one in ODD)]
    assert read(database, arrays.of_bags(bags), "jsonb") == bags


def test_bytes_are_what_they_were(database: psycopg.Connection[Any]) -> None:
    values = [b"", bytes(28), bytes(range(256))]
    assert read(database, arrays.of_bytes(values), "bytea") == values


def test_sent_ids_are_what_they_were(database: psycopg.Connection[Any]) -> None:
    ids = [uuid4(), UUID(int=0), UUID(int=1)]
    assert read(database, arrays.of_sent_ids(b"".join(one.bytes for one in ids)), "uuid") == ids
    assert read(database, arrays.of_sent_ids(b""), "uuid") == []


def test_nothing_is_an_empty_array(database: psycopg.Connection[Any]) -> None:
    for make, type_ in (
        (arrays.of_texts, "text"), (arrays.of_bags, "jsonb"), (arrays.of_bytes, "bytea"),
    ):  # fmt: skip
        assert read(database, make([]), type_) == []
