"""What is asked about people: lists, one person, who they may also be.

Plain SQL on a plain connection; the console and the REST API ask here. Ids of people who were
merged lead to who they became.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg

from regulars.filters.ast import Filter
from regulars.filters.errors import FilterError
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.to_sql import to_sql
from regulars.kit.ids import key_hash
from regulars.kit.text import fold
from regulars.people import asking, counting, orders, store
from regulars.people.listing import Listing, Total
from regulars.people.orders import Cursor, Sort, minute
from regulars.people.person import Person
from regulars.people.questions import KINDS, Condition, Group, Question
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

Totalling = Literal["none", "bounded", "exact"]

ONLINE_FOR = timedelta(minutes=5)
MOST_COUNTED_ONLINE = 10_000
MAX_QUERY = 200
TRIGRAM = 3  # letters from which on the index can help
READ_WHOLE = 20_000  # people whom a search may read one by one
WORDS_BEGIN_AFTER = ("\n", " ", ".", "@", "-", "+", "\\_")

COUNTS = """
SELECT 'kind', id, people, 0 FROM kind_count WHERE project_id = %(project)s
UNION ALL
SELECT 'list', s.builtin, c.people, s.number
FROM segment s JOIN segment_count c ON c.project_id = s.project_id AND c.id = s.id
WHERE s.project_id = %(project)s AND s.builtin <> 'checkpoint'
"""
GROUP = """
SELECT s.id, s.number, c.people, s.builtin
FROM segment s JOIN segment_count c ON c.project_id = s.project_id AND c.id = s.id
WHERE s.project_id = %s AND (s.id = %s OR s.builtin = %s) AND s.deleted_at IS NULL
"""
# Whoever a browser showed within the last minutes was seen within them too, which is indexed.
ONLINE = f"""
SELECT count(*) FROM (
    SELECT 1 FROM person_activity
    WHERE project_id = %(project)s AND kind = ANY(%(kinds)s)
      AND last_seen_minute >= %(minute)s AND browser_seen_at > %(since)s
    LIMIT {MOST_COUNTED_ONLINE}
) online
"""
FORMER = "SELECT person_id FROM identity WHERE project_id = %s AND id = %s AND kind = 'former'"
IDENTITIES = """
SELECT kind, value, created_at FROM identity
WHERE project_id = %s AND person_id = %s
ORDER BY created_at, id LIMIT %s
"""
# People with the same address or phone number, of whom at most one is a registered user: two
# users who share one are usually two people.
MAY_BE = """
SELECT p.id FROM person p
WHERE p.project_id = %(project)s AND p.id <> %(id)s
  AND (p.email_folded = %(email)s OR p.folded @> %(phone)s::jsonb)
  AND (p.kind <> 'user' OR %(kind)s <> 'user')
  AND NOT EXISTS (
      SELECT FROM merge_dismissal d
      WHERE d.project_id = p.project_id AND d.project_id = %(project)s
        AND d.one_id IN (p.id, %(id)s) AND d.other_id IN (p.id, %(id)s)
  )
ORDER BY p.id LIMIT %(limit)s
"""
MERGES = """
SELECT id, from_id, into_id, cause, agent_id, at, undone_at, from_row
FROM merge WHERE project_id = %s AND into_id = %s
ORDER BY at DESC, id DESC LIMIT %s
"""
MERGE = """
SELECT id, from_id, into_id, cause, agent_id, at, undone_at, from_row
FROM merge WHERE project_id = %s AND id = %s
"""
CUSTOM_KEYS = """
SELECT key, type FROM attribute_key
WHERE project_id = %s AND scope = %s
ORDER BY key LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list of people. `total` comes with the first page alone."""

    people: list[Person]
    next: str | None
    total: Total | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people there are: of each kind, and on each of the built-in lists.

    `numbers` are those by which people's rows name the lists that they are on.
    """

    kinds: dict[str, int]
    lists: dict[str, int]
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Identity:
    """Something a person is known by."""

    kind: str  # user, anonymous or former
    value: str
    since: datetime


@dataclass(frozen=True, slots=True)
class MergeDone:
    """A merge as it happened; `gone` is who went, as they were (a row of facts)."""

    id: UUID
    from_id: UUID
    into_id: UUID
    cause: str
    agent_id: UUID | None
    at: datetime
    undone_at: datetime | None
    gone: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Which:
    """Which people a list holds, as the outside asks.

    `kind` None means everybody. `builtin` or `segment_id` name a segment. `query` is the search
    box: any part of a name, email or user id. `equals` are facts that must be just so.
    """

    now: datetime
    kind: str | None = None
    builtin: str | None = None
    segment_id: UUID | None = None
    query: str | None = None
    equals: Mapping[str, Any] | None = None
    filter: Filter | None = None
    zone: tzinfo | None = None


def people_page(
    connection: Connection,
    project_id: UUID,
    which: Which,
    *,
    sort: str = "-last_seen",
    limit: int = 50,
    cursor: str | None = None,
    total: Totalling = "bounded",
) -> Page:
    """A page of people. Raises InvalidError for a sort, cursor, kind, field or list that is none.

    The total comes with the first page: exact, or bounded, which stops where thousands are found,
    or not at all. What filters find can take longer to count than to show: ask for `count` later.
    """
    by = orders.sort_of(sort)
    after = orders.read_cursor(cursor, by) if cursor else None
    question = question_of(connection, project_id, which)
    listed = Listing(connection, question, by)
    rows = listed.page(limit + 1, after)
    people = store.read(connection, project_id, [id_ for id_, _ in rows[:limit]])
    return Page(
        # Somebody may be merged or erased between the two statements.
        people=[people[id_] for id_, _ in rows[:limit] if id_ in people],
        next=_cursor_text(by, rows[limit - 1]) if len(rows) > limit else None,
        total=None
        if after is not None or total == "none"
        else _total(connection, question, listed, exact=total == "exact"),
    )


def count(connection: Connection, project_id: UUID, which: Which, *, exact: bool = True) -> Total:
    """How many people the list has."""
    question = question_of(connection, project_id, which)
    listed = Listing(connection, question, orders.sort_of("-last_seen"))
    return _total(connection, question, listed, exact=exact)


def listed_before(
    connection: Connection,
    project_id: UUID,
    which: Which,
    ids: Sequence[UUID],
    *,
    sort: str,
    end: str | None,
) -> list[UUID]:
    """Which of these people stand in the part of the list that ends with the cursor."""
    by = orders.sort_of(sort)
    cursor = orders.read_cursor(end, by) if end else None
    question = question_of(connection, project_id, which)
    return Listing(connection, question, by).shown_before(ids, cursor)


def neighbours(
    connection: Connection, project_id: UUID, which: Which, person: UUID, *, sort: str
) -> tuple[UUID | None, UUID | None]:
    """Who stands before and behind the person in the list."""
    question = question_of(connection, project_id, which)
    listed = Listing(connection, question, orders.sort_of(sort))
    here = listed.place_of(person)
    if here is None:
        return None, None
    behind = listed.page(1, here)
    return listed.one_ahead(here), behind[0][0] if behind else None


def counts(connection: Connection, project_id: UUID) -> Counts:
    """How many people there are, by kind and by built-in list: a few rows, however many."""
    rows = connection.execute(COUNTS, {"project": project_id}, prepare=True).fetchall()
    kinds = {name: people for what, name, people, _ in rows if what == "kind"}
    lists = [(name, people, number) for what, name, people, number in rows if what == "list"]
    return Counts(
        kinds={kind: kinds.get(kind, 0) for kind in KINDS},
        lists={name: people for name, people, _ in lists},
        numbers={name: number for name, _, number in lists},
    )


def online_count(
    connection: Connection, project_id: UUID, now: datetime, kinds: Sequence[str] = KINDS
) -> int:
    """How many people a browser has shown in the last five minutes; counted up to 10,000."""
    since = now - ONLINE_FOR
    asked = {"project": project_id, "kinds": list(kinds), "since": since, "minute": minute(since)}
    row = connection.execute(ONLINE, asked, prepare=True).fetchone()
    return row[0] if row else 0


def is_online(person: Person, now: datetime) -> bool:
    """Whether a browser showed the person in the last five minutes."""
    return person.browser_seen_at is not None and person.browser_seen_at > now - ONLINE_FOR


def person(connection: Connection, project_id: UUID, id_: UUID) -> Person | None:
    """The person, or whoever they were merged into; None where there is nobody."""
    found = store.read(connection, project_id, [id_])
    if id_ in found:
        return found[id_]
    row = connection.execute(FORMER, (project_id, key_hash("former", str(id_)))).fetchone()
    return store.read(connection, project_id, [row[0]]).get(row[0]) if row else None


def people(connection: Connection, project_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Person]:
    """These people, by id; those who are gone are left out."""
    return store.read(connection, project_id, ids)


def identities(
    connection: Connection, project_id: UUID, person_id: UUID, limit: int = 50
) -> list[Identity]:
    """What the person is known by, the oldest first."""
    rows = connection.execute(IDENTITIES, (project_id, person_id, limit))
    return [Identity(*row) for row in rows]


def suggested_merges(
    connection: Connection, project_id: UUID, person: Person, limit: int = 5
) -> list[Person]:
    """Who may be the same person: the same email or phone, unless an agent said they are not."""
    phone = person.folded.get("phone")
    if person.email_folded is None and phone is None:
        return []
    found = connection.execute(
        MAY_BE,
        {
            "project": project_id,
            "id": person.id,
            "kind": person.kind,
            "email": person.email_folded,
            "phone": msgspec.json.encode({"phone": phone}).decode() if phone else None,
            "limit": limit,
        },
    ).fetchall()
    read = store.read(connection, project_id, [row[0] for row in found])
    return [read[row[0]] for row in found if row[0] in read]


def merges_of(
    connection: Connection, project_id: UUID, person_id: UUID, limit: int = 50
) -> list[MergeDone]:
    """Who became this person, the newest first; undone ones too."""
    rows = connection.execute(MERGES, (project_id, person_id, limit))
    return [MergeDone(*row) for row in rows]


def merge_done(connection: Connection, project_id: UUID, merge_id: UUID) -> MergeDone | None:
    """One merge."""
    row = connection.execute(MERGE, (project_id, merge_id)).fetchone()
    return MergeDone(*row) if row else None


def custom_keys(
    connection: Connection, project_id: UUID, scope: str = "attributes", limit: int = 200
) -> dict[str, str]:
    """The project's custom attributes and their types, by name."""
    rows = connection.execute(CUSTOM_KEYS, (project_id, scope, limit))
    return dict(rows.fetchall())


def question_of(connection: Connection, project_id: UUID, which: Which) -> Question:
    """The list as a question. Raises InvalidError for what is none, UnknownError for a segment."""
    if which.kind is not None and which.kind not in KINDS:
        raise InvalidError("kind", "Expected user, lead or visitor.")
    kinds = (which.kind,) if which.kind else KINDS
    besides = []
    if which.query and (needle := fold(which.query)):
        besides.append(_searched(connection, project_id, needle))
    group = _group(connection, project_id, which)
    filter_ = which.filter or _equal(which.equals)
    if filter_ is None:
        return Question(project_id, kinds, kinds, which.now, group, tuple(besides))
    when = When(which.now, which.zone or UTC)
    text, params = to_sql(filter_, now=when.now, zone=when.zone)
    return Question(
        project_id,
        asking.kinds_of(filter_, kinds) or kinds,
        kinds,
        which.now,
        group,
        (*besides, Condition(text, tuple(params))),
        asking.asked(connection, project_id, filter_, when),
        tuple(besides),
    )


def _group(connection: Connection, project_id: UUID, which: Which) -> Group | None:
    if which.builtin is None and which.segment_id is None:
        return None
    if which.builtin == "all" and which.kind == "user":
        return None  # that is what it says
    row = connection.execute(GROUP, (project_id, which.segment_id, which.builtin)).fetchone()
    if row is None:
        raise UnknownError("There is no such segment.")
    return Group(*row)


def _searched(connection: Connection, project_id: UUID, needle: str) -> Condition:
    """The search box: any part of a word.

    One or two letters have no trigram, so no index finds them inside a word. Where there are too
    many people to read them all, they are looked for where words begin.
    """
    if len(needle) > MAX_QUERY or "\x00" in needle:
        raise InvalidError("query", f"At most {MAX_QUERY} characters.")
    text = needle.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if len(needle) >= TRIGRAM:
        return Condition("p.search LIKE %s", (f"%{text}%",), of_p=True)
    named = counts(connection, project_id).kinds
    if named["user"] + named["lead"] <= READ_WHOLE:
        # Not the column itself: the index would be read from end to end.
        return Condition("p.search || '' LIKE %s", (f"%{text}%",), of_p=True)
    starts = (f"{text}%", *(f"%{sign}{text}%" for sign in WORDS_BEGIN_AFTER))
    either = " OR ".join(["p.search LIKE %s"] * len(starts))
    return Condition(f"({either})", starts, of_p=True)


def _equal(facts: Mapping[str, Any] | None) -> Filter | None:
    if not facts:
        return None
    conditions = []
    for field, value in facts.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        op = "has" if field == "tags" else "eq" if is_number else "is"
        conditions.append({"field": field, "op": op, "value": value})
    try:
        return parse({"all": conditions}, kinds=("field",))
    except FilterError as wrong:
        raise InvalidError(wrong.field, wrong.message) from None


def _total(connection: Connection, question: Question, listed: Listing, *, exact: bool) -> Total:
    """Lists that nothing narrows down are counted already."""
    kept = counts(connection, question.project_id).kinds
    plain = question.group is None and not question.besides and question.kinds == KINDS
    if question.asked is not None and plain:
        people = sum(kept.values())
        quick = counting.quick_count(connection, question.project_id, question.asked, people)
        if quick is not None:
            return Total(quick)
    group = question.group
    # Those on a built-in list are users all; other segments have people of every kind.
    some_kinds = group is not None and group.builtin is None and question.kinds != KINDS
    if question.narrow or some_kinds:
        return listed.total(exact=exact)
    if group is not None:
        return Total(group.people)
    return Total(sum(kept[kind] for kind in question.kinds))


def _cursor_text(sort: Sort, row: tuple[UUID, Any]) -> str:
    id_, value = row
    return orders.write_cursor(Cursor(str(sort), value, id_))
