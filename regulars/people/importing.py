"""People in from a CSV file: which column is which fact, and each row as a person or a refusal.

Each row goes through the same door as a call of the REST API, in a transaction of its own: what is
wrong with one leaves the others alone, and a file that was cut off can simply be given again. A dry
run does all of it and takes every row back.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit.text import fold
from regulars.people import actions
from regulars.people.export import FORMULA, STANDARD
from regulars.workspaces.errors import ConflictError, InvalidError

Connection = psycopg.Connection[Any]

MOST_COLUMNS = 200
LONGEST_CELL = 64 * 1024
LONGEST_NAME = 100  # characters of a column's
SNIFFED = 64 * 1024  # characters by which the separator is judged
SEPARATORS = ",;\t|"
REFUSED_LINE, REFUSED_WHY = "refused_line", "refused_why"  # columns of the file of refusals
OURS = ("segments", REFUSED_LINE, REFUSED_WHY)
GIVEN = (actions.CHANGEABLE - {"attributes", "company"}) | {"user_id"}
LEFT_OUT = ""  # a column that becomes nothing

# What columns are called elsewhere, folded, without what is no letter or digit.
KNOWN_AS = {
    "emailaddress": "email", "mail": "email", "fullname": "name", "firstname": "first_name",
    "givenname": "first_name", "lastname": "last_name", "surname": "last_name",
    "familyname": "last_name", "userid": "user_id", "customerid": "user_id", "id": "user_id",
    "joined": "signed_up_at", "createdat": "signed_up_at", "signedup": "signed_up_at",
    "signupdate": "signed_up_at", "registered": "signed_up_at", "town": "city",
    "phonenumber": "phone", "mobile": "phone", "telephone": "phone",
}  # fmt: skip

_WORD = re.compile(r"[^0-9a-z]+")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,10}")


class FileError(ValueError):
    """The file as a whole can't be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that stays behind."""

    line: int
    why: str
    cells: list[str]


@dataclass(slots=True)
class Outcome:
    """What became of the rows."""

    made: int = 0
    changed: int = 0
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that can be read: its columns, and its rows with their lines."""

    columns: list[str]
    rows: Iterator[tuple[int, list[str]]]


def read(text: io.TextIOBase) -> Sheet:
    """The sheet of an open file. Raises FileError; its rows may raise it too."""
    head = text.read(SNIFFED)
    text.seek(0)
    if not head.strip():
        raise FileError("The file is empty.")
    first = head.splitlines()[0]
    separator = max(SEPARATORS, key=first.count)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(text, delimiter=separator)
    columns = [column.strip().lstrip("\ufeff") for column in _next(reader)]
    if len(columns) > MOST_COLUMNS:
        raise FileError(f"At most {MOST_COLUMNS} columns.")
    if len(set(columns)) < len(columns):
        raise FileError("Two columns have the same name.")
    return Sheet(columns, _rows(reader))


def _next(reader: Any) -> list[str]:
    try:
        row: list[str] = next(reader)
    except csv.Error as wrong:
        raise FileError(f"Line {reader.line_num}: {wrong}.") from wrong
    except UnicodeDecodeError as wrong:
        raise FileError("The file is not UTF-8. Save it as CSV UTF-8.") from wrong
    return row


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            row = _next(reader)
        except StopIteration:
            return
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def matched(columns: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    """Which fact each column becomes: as said, else by its name, else a custom attribute.

    Raises FileError for a column that is none of the file's, and a fact that can't be given.
    """
    unknown = sorted(set(said) - set(columns))
    if unknown:
        raise FileError(f"The file has no column {unknown[0]}.")
    found = {column: said.get(column, _guessed(column)) for column in columns}
    for fact in found.values():
        _check(fact)
    taken = [fact for fact in found.values() if fact != LEFT_OUT]
    twice = sorted({fact for fact in taken if taken.count(fact) > 1})
    if twice:
        raise FileError(f"Two columns become {twice[0]}: leave one of them out.")
    if "email" not in taken and "user_id" not in taken:
        raise FileError("No column is an email or a user_id: nobody could be found by it.")
    return found


def _guessed(column: str) -> str:
    plain = _WORD.sub("", fold(column))
    if column in GIVEN or column.startswith(("attributes.", "company.")):
        return column
    if column in STANDARD or column in OURS:
        return LEFT_OUT  # what our own files hold and nobody can say
    if plain in KNOWN_AS:
        return KNOWN_AS[plain]
    standard = {_WORD.sub("", fact): fact for fact in GIVEN}
    if plain in standard:
        return standard[plain]
    key = _WORD.sub("_", fold(column)).strip("_")[:LONGEST_NAME]
    return f"attributes.{key}" if key else LEFT_OUT


def _check(fact: str) -> None:
    scope, _, key = fact.partition(".")
    if fact in (LEFT_OUT, "user_id") or (key and scope in ("attributes", "company")):
        return
    if fact not in GIVEN:
        raise FileError(f"A person has no fact {fact} that can be given.")


def bring_in(
    connection: Connection,
    project_id: UUID,
    sheet: Sheet,
    facts: Mapping[str, str],
    now: datetime,
    *,
    tag: str = "",
    dry: bool = False,
) -> Iterator[Outcome]:
    """Bring in row by row; the outcome so far after each. Raises FileError amid a broken file."""
    outcome = Outcome()
    lines: dict[tuple[str, str], int] = {}
    for line, cells in sheet.rows:
        try:
            given = _given(sheet.columns, cells, facts)
            _once(given, line, lines)
            made = actions.settled(
                partial(_transaction, connection, dry=dry),
                partial(_put, project_id=project_id, given=given, tag=tag, now=now),
            )
        except (InvalidError, ConflictError) as wrong:
            outcome.refused.append(Refusal(line, f"{wrong.field}: {wrong.message}", cells))
        else:
            outcome.made += made
            outcome.changed += not made
        yield outcome


@contextmanager
def _transaction(connection: Connection, *, dry: bool) -> Iterator[Connection]:
    """A transaction of the connection, taken back at its end where it is dry."""
    with connection.transaction(force_rollback=dry):
        yield connection


def _put(
    connection: Connection, *, project_id: UUID, given: dict[str, Any], tag: str, now: datetime
) -> bool:
    person, made = actions.create_or_update(connection, project_id, given, now)
    if tag:
        actions.tag(connection, project_id, person.id, now, add=[tag])
    return made


def _given(columns: Sequence[str], cells: list[str], facts: Mapping[str, str]) -> dict[str, Any]:
    """A row as a call would say it. Empty cells say nothing."""
    if len(cells) > len(columns):
        raise InvalidError("row", f"It has {len(cells)} cells, the first row {len(columns)}.")
    given: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=False):
        fact, text = facts[column], bare(cell.replace("\x00", "").strip())
        if fact == LEFT_OUT or not text:
            continue
        scope, _, key = fact.partition(".")
        if key:
            given.setdefault(scope, {})[key] = typed(text)
        elif fact == "tags":
            given["tags"] = [one.strip() for one in next(csv.reader([text])) if one.strip()]
        else:
            given[fact] = text
    if "email" not in given and "user_id" not in given:
        raise InvalidError("row", "It has neither an email nor a user_id.")
    return given


def _once(given: Mapping[str, Any], line: int, lines: dict[tuple[str, str], int]) -> None:
    """Refuse who stood in the file before: which of the two is right, nobody knows."""
    name = "user_id" if "user_id" in given else "email"
    value = given[name] if name == "user_id" else fold(given[name])
    first = lines.setdefault((name, value), line)
    if first != line:
        raise InvalidError(name, f"Twice in this file: line {first} was taken.")


def bare(text: str) -> str:
    """A cell without the apostrophe that an export puts before what looks like a formula."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def typed(text: str) -> Any:
    """A custom value: a number, a truth value, a list or an object where it is plainly one."""
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
