"""Finding words in conversations: in messages, subjects, names of people; and in notes.

Messages keep their words folded (`saying`), so what is typed is folded too. The last word may be
the beginning of one: whoever types sees results before the word is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.inbox import conversations
from regulars.inbox.conversations import By, Conversation
from regulars.kit.text import fold
from regulars.people import queries
from regulars.people.queries import Which

Connection = psycopg.Connection[Any]

MOST = 50
MAX_QUERY = 200
PEOPLE = 20  # whose names hold what was typed
AROUND = 60  # characters before the first word that was found
SNIPPET = 180

_QUERY = "(websearch_to_tsquery('simple', %(whole)s) && to_tsquery('simple', %(begun)s))"
MESSAGES = f"""
SELECT m.conversation_id, m.seq, m.by, m.agent_id, m.at, m.body
FROM message m
WHERE m.project_id = %(project)s AND m.found @@ {_QUERY}
ORDER BY m.at DESC, m.id DESC LIMIT %(limit)s
"""
SUBJECTS = f"""
SELECT c.id, c.last_at FROM conversation c
WHERE c.project_id = %(project)s AND (c.subject_found @@ {_QUERY} OR c.subject_found @@ %(plain)s)
ORDER BY c.last_at DESC LIMIT %(limit)s
"""
# The query over words as they were typed: a subject's are lowered by the database, not folded.
PLAIN = f"SELECT {_QUERY}"
OF_PEOPLE = """
SELECT c.id, c.last_at FROM conversation c
WHERE c.project_id = %(project)s AND c.person_id = ANY(%(people)s)
ORDER BY c.last_at DESC LIMIT %(limit)s
"""
# Notes that hold the words, the newest first; those that were deleted are found no more.
NOTES = f"""
SELECT n.id, n.person_id, n.shared, n.created_at, n.text
FROM note n
WHERE n.project_id = %(project)s AND n.deleted_at IS NULL AND n.found @@ {_QUERY}
ORDER BY n.id DESC LIMIT %(limit)s
"""
BY_NUMBER = "SELECT c.id, c.last_at FROM conversation c WHERE c.project_id = %s AND c.number = %s"

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"#?([0-9]{1,12})")
_LAST = re.compile(r"(?:^|(?<=\s))[^\s\"-][^\s\"]*$")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `found` where it is a word that was looked for."""

    text: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found: the newest of its messages that says it, or none.

    Without one it was found by its subject, its number, or the person's name.
    """

    conversation: Conversation
    at: datetime
    seq: int = 0
    by: By | None = None
    agent_id: UUID | None = None
    snippet: tuple[Part, ...] = ()
    subject: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundNote:
    """A note that was found; unless it is shared, it is the team's alone."""

    id: UUID
    person_id: UUID
    shared: bool
    at: datetime
    snippet: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What was typed: the words that must be there, and the one that may only begin."""

    whole: str
    begun: str

    @property
    def begun_query(self) -> str:
        """The beginning as PostgreSQL writes it; quoted, so that nothing in it is an operator."""
        if not self.begun:
            return ""
        quoted = self.begun.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}':*"


def read(typed: str) -> Words:
    """What was typed, folded. A word within quotes, or behind a minus, is a whole one."""
    text = fold(typed.replace("\x00", " ")[:MAX_QUERY])
    return _split(text)


def _split(text: str) -> Words:
    last = _LAST.search(text) if text.count('"') % 2 == 0 else None
    if last is None or not _WORD.search(last[0]) or last[0] == "or":
        return Words(text, "")
    return Words(text[: last.start()].strip(), last[0])


def search(connection: Connection, project_id: UUID, typed: str, now: datetime) -> list[Hit]:
    """The conversations that hold the words, the newest first, at most fifty."""
    words = read(typed)
    if not _WORD.search(f"{words.whole} {words.begun}"):
        return []
    named = {
        "project": project_id,
        "whole": words.whole,
        "begun": words.begun_query,
        "limit": MOST,
    }
    said: dict[UUID, tuple[Any, ...]] = {}
    for row in connection.execute(MESSAGES, named | {"limit": MOST * 2}):
        said.setdefault(row[0], row)
    found = {id_: row[4] for id_, row in said.items()}
    for id_, at in _otherwise(connection, project_id, typed, named, now):
        found.setdefault(id_, at)
    newest = sorted(found, key=lambda id_: (found[id_], id_), reverse=True)[:MOST]
    rows = conversations.found(connection, project_id, newest)
    return [_hit(rows[id_], found[id_], said.get(id_), words) for id_ in newest if id_ in rows]


def search_notes(
    connection: Connection, project_id: UUID, typed: str, limit: int = MOST
) -> list[FoundNote]:
    """The notes that hold the words, the newest first. For agents, who all see all of them."""
    words = read(typed)
    if not _WORD.search(f"{words.whole} {words.begun}"):
        return []
    named = {
        "project": project_id,
        "whole": words.whole,
        "begun": words.begun_query,
        "limit": limit,
    }
    return [
        FoundNote(id_, person_id, shared, at, snippet(text, words))
        for id_, person_id, shared, at, text in connection.execute(NOTES, named)
    ]


def _otherwise(
    connection: Connection, project_id: UUID, typed: str, named: Mapping[str, Any], now: datetime
) -> Iterable[tuple[UUID, datetime]]:
    """Those whose subject, number or person it is."""
    plain = _split(typed.replace("\x00", " ").strip()[:MAX_QUERY])
    (query,) = connection.execute(
        PLAIN, {"whole": plain.whole, "begun": plain.begun_query}
    ).fetchone() or ("",)
    yield from connection.execute(SUBJECTS, {**named, "plain": query})
    number = _NUMBER.fullmatch(typed.strip())
    if number is not None:
        yield from connection.execute(BY_NUMBER, (project_id, int(number[1])))
    which = Which(now, query=typed.replace("\x00", " ").strip()[: queries.MAX_QUERY])
    people = queries.people_page(connection, project_id, which, limit=PEOPLE, total="none").people
    ids = [one.id for one in people]
    if ids:
        yield from connection.execute(OF_PEOPLE, {**named, "people": ids})


def _hit(one: Conversation, at: datetime, said: tuple[Any, ...] | None, words: Words) -> Hit:
    subject = marked(one.subject, words)
    if said is None:
        return Hit(one, at, subject=subject)
    _, seq, by, agent_id, _, body = said
    return Hit(one, at, seq, by, agent_id, snippet(body, words), subject)


def snippet(text: str, words: Words) -> tuple[Part, ...]:
    """The text around the first word that was found, on one line, with the found ones apart."""
    line = " ".join(text.split())
    matches = _matcher(words)
    first = next((word.start() for word in _WORD.finditer(line) if matches(word[0])), 0)
    start = max(0, first - AROUND)
    if start:
        start = line.find(" ", start) + 1 or start
    cut = line[start : start + SNIPPET]
    before = "…" if start else ""
    after = "…" if start + SNIPPET < len(line) else ""
    return marked(f"{before}{cut}{after}", words)


def marked(text: str, words: Words) -> tuple[Part, ...]:
    """The text in pieces: whoever shows them escapes each, and marks what was found."""
    matches = _matcher(words)
    parts: list[Part] = []
    at = 0
    for word in _WORD.finditer(text):
        if matches(word[0]):
            if word.start() > at:
                parts.append(Part(text[at : word.start()]))
            parts.append(Part(word[0], found=True))
            at = word.end()
    if at < len(text):
        parts.append(Part(text[at:]))
    return tuple(parts)


def _matcher(words: Words) -> Any:
    left_out = set(re.findall(r"(?:^|\s)-(\w+)", words.whole))
    whole = {fold(one) for one in _WORD.findall(words.whole)} - left_out - {"or"}
    begun = tuple(fold(one) for one in _WORD.findall(words.begun))

    def matches(word: str) -> bool:
        folded = fold(word)
        return folded in whole or bool(begun and folded.startswith(begun))

    return matches
