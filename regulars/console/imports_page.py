"""What the page of an import shows: its columns, its dry run, the first rows as they will be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.console.templatetags.console import number
from regulars.people import queries
from regulars.people.imports import cells, file_rows, mapping, taking
from regulars.people.imports.bringing import Bringing, Result
from regulars.people.imports.jobs import Import
from regulars.people.imports.mapping import Column, Given
from regulars.people.imports.sheet import ENCODINGS, SEPARATORS, FileError, Record, RowError

Connection = psycopg.Connection[Any]

PREVIEWED = 8  # rows
PREVIEW_COLUMNS = 4  # besides the name
LONGEST_SHOWN = 80  # characters of a cell
STANDARD = (
    "email", "user_id", "name", "first_name", "last_name", "signed_up_at", "phone", "city",
    "region", "country", "gender", "language", "timezone", "tags",
)  # fmt: skip
CONSENT = {
    "subscribed": "subscribed: yes or no",
    "unsubscribed": "unsubscribed: yes, no or when",
}


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column in the table of columns."""

    number: int
    name: str
    samples: list[str]
    fact: str
    own: str  # what it is as a custom attribute by its own name
    type: str
    types: list[tuple[str, str]]  # to choose from
    type_label: str
    filled: int  # percent
    badge: str
    badge_kind: str
    is_own: bool  # it becomes a custom fact that nobody has yet


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in the preview; `before` is what it takes the place of."""

    text: str
    before: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A row of the file as it will be."""

    line: int
    name: str
    badge: str
    badge_kind: str
    cells: list[Cell]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar over what becomes of the rows: parts of `total`."""

    total: int
    new: int
    changed: int
    refused: int

    @property
    def gold_at(self) -> int:
        """Where the refused ones begin: at the end."""
        return self.total - self.refused


def file_words(job: Import) -> str:
    """How the file is written, in words."""
    return f"{ENCODINGS[job.encoding]} · {SEPARATORS[job.separator]}"


def numbers(job: Import) -> dict[str, Any]:
    """What became, or would become, of the rows so far."""
    counts = job.counts
    made = counts.get("user", 0) + counts.get("lead", 0)
    found: dict[str, Any] = {
        "made": made,
        "users": counts.get("user", 0),
        "leads": counts.get("lead", 0),
        "changed": counts.get("changed", 0),
        "same": counts.get("same", 0),
        "left": counts.get("left", 0),
        "refused": counts.get("refused", 0),
        "left_marketing": counts.get("left_marketing", 0),
    }
    found["untouched"] = found["same"] + found["left"]
    found["going_in"] = made + found["changed"] + found["same"]
    rows = max(1, job.rows_done)
    found["bar"] = Bar(rows, made, found["changed"], found["refused"])
    found["said"] = (
        f"{number(made)} new, {number(found['changed'])} updated,"
        f" {number(found['refused'])} refused"
    )
    return found


def columns(
    connection: Connection, job: Import, records: list[Record]
) -> tuple[list[ColumnRow], list[str], list[str]]:
    """The columns, and the custom attributes and companies' facts there are to choose from."""
    known = queries.custom_keys(connection, job.project_id)
    company = queries.custom_keys(connection, job.project_id, "company")
    rows = [
        _column(n, column, records, known | {f"company.{key}": "" for key in company})
        for n, column in enumerate(job.mapping)
    ]
    return rows, sorted(known), sorted(company)


def _column(
    number_: int, column: Column, records: list[Record], known: dict[str, str]
) -> ColumnRow:
    texts = [r.cells[number_].strip() for r in records if number_ < len(r.cells)]
    filled = [text for text in texts if text]
    scope, _, key = column.fact.partition(".")
    choosable = bool(key) or column.fact == "signed_up_at"
    offered = [
        (type_, label) for type_, label in cells.TYPES.items() if key or type_ in cells.DATES
    ]
    badge, kind = _badge(column, filled, known)
    own = mapping.key_of(column.name)
    return ColumnRow(
        number=number_,
        name=column.name,
        samples=[text[:LONGEST_SHOWN] for text in dict.fromkeys(filled)][:2],
        fact=column.fact,
        own=own if scope not in mapping.SCOPES or key != own else "",
        type=column.type,
        types=offered if choosable else [],
        type_label="" if column.fact == mapping.LEFT_OUT else _type_label(column.fact),
        filled=round(100 * len(filled) / len(records)) if records else 0,
        badge=badge,
        badge_kind=kind,
        is_own=bool(key) and (key if scope == "attributes" else column.fact) not in known,
    )


def _type_label(fact: str) -> str:
    if fact in mapping.CONSENT:
        return "yes or no"
    return {"email": "email", "tags": "list"}.get(fact, "text")


def _badge(column: Column, filled: list[str], known: dict[str, str]) -> tuple[str, str]:
    if column.fact in ("email", "user_id"):
        return "Finds people", "ok"
    if column.fact in mapping.CONSENT:
        return "Consent", "ok"
    _, unsure = cells.guessed(filled)
    if unsure and column.type in ("number", "date_dmy"):
        return unsure, "warn"
    scope, _, key = column.fact.partition(".")
    if scope == "attributes" and key not in known:
        return "New field", "info"
    return "", ""


def preview(
    connection: Connection, job: Import, records: list[Record], now: datetime
) -> tuple[list[str], list[PreviewRow]]:
    """The heads and the first rows, looked at as a dry run does."""
    mapped = job.mapping
    facts = [one.fact for one in mapped if one.fact and one.fact != "name"][:PREVIEW_COLUMNS]
    looked: list[tuple[Record, Given | None, RowError | None]] = []
    for record in records[:PREVIEWED]:
        try:
            looked.append((record, mapping.read(mapped, record), None))
        except RowError as wrong:
            looked.append((record, None, wrong))
    good = [given for _, given, _ in looked if given is not None]
    bringing = Bringing(connection, job.project_id, job.how, now, dry=True)
    results = {result.given.line: result for result in bringing.bring(good, "") if result.given}
    rows = [
        _preview_row(record, results.get(record.line), wrong, mapped, facts)
        for record, _, wrong in looked
    ]
    return facts, rows


_BECOMES = {
    "user": ("New user", "new"),
    "lead": ("New lead", ""),
    "changed": ("Update", "ok"),
    "same": ("Same already", ""),
    "left": ("Left alone", ""),
}


def _preview_row(
    record: Record,
    result: Result | None,
    wrong: RowError | None,
    mapped: list[Column],
    facts: list[str],
) -> PreviewRow:
    wrong = wrong or (result.wrong if result else None)
    texts = {
        column.fact: (column.name, text.strip()[:LONGEST_SHOWN])
        for column, text in zip(mapped, record.cells, strict=False)
    }
    shown = [_cell(texts.get(fact, ("", "")), fact, result, wrong) for fact in facts]
    badge, kind = ("Refused", "bad") if wrong else _BECOMES[(result and result.became) or "lead"]
    first = texts.get("first_name", ("", ""))[1]
    last = texts.get("last_name", ("", ""))[1]
    name = texts.get("name", ("", ""))[1] or f"{first} {last}".strip()
    why = ""
    if wrong:
        why = f"{wrong.column}: {wrong.why}" if wrong.column else wrong.why
    return PreviewRow(record.line, name, badge, kind, shown, why)


def _cell(said: tuple[str, str], fact: str, result: Result | None, wrong: RowError | None) -> Cell:
    column, text = said
    if wrong is not None:
        return Cell(text, wrong=wrong.why if wrong.column == column and column else "")
    if result is None or result.given is None:
        return Cell(text)
    before, now = result.news.get(fact, (None, None))
    if now is not None:
        old = "" if before in (None, []) else mapping.shown(before)
        return Cell(mapping.shown(now)[:LONGEST_SHOWN], before=old[:LONGEST_SHOWN])
    scope, _, key = fact.partition(".")
    given = result.given
    kept = getattr(given, scope).get(key) if key else given.facts.get(fact, text or None)
    return Cell("" if kept is None else mapping.shown(kept)[:LONGEST_SHOWN])


def sampled(job: Import) -> list[Record]:
    """The file's first rows; none where it is gone or can't be read so far."""
    try:
        return taking.sample(job.sheet)
    except (FileError, OSError):
        return []


def undoable(job: Import) -> bool:
    """Whether there is anybody to take back."""
    made = job.counts.get("user", 0) + job.counts.get("lead", 0)
    return bool(job.ended_at and made and job.undone_by is None)


def percent(job: Import) -> int:
    """How much of the file is done."""
    return min(100, 100 * job.bytes_done // max(1, job.file_bytes))


def agents_named(agents: dict[UUID, str], job: Import) -> str:
    """Who began it."""
    return agents.get(job.created_by, "") if job.created_by else "the command line"


def refused_rows(connection: Connection, job: Import) -> list[tuple[int, str, str, str, str]]:
    """The first refused ones."""
    return file_rows.refused(connection, job)
