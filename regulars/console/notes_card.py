"""Notes as screens show them: on a card of the profile, and among what a person did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.utils.safestring import SafeString

from regulars.inbox import notes_queries, rich_text
from regulars.inbox.notes_queries import Note

Connection = psycopg.Connection[Any]

ON_CARD = 4
MOST_ON_CARD = 24  # behind “more”, too; the timeline has all of them
LONG = 300  # characters from which on a note is folded
FOLDED = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A note to draw. `beginning` stands in place of a long one until that is unfolded."""

    key: str
    html: SafeString
    beginning: str
    shared: bool
    pinned: bool
    by: str
    at: datetime
    edited_at: datetime | None
    editor: str
    url: str  # what can be done to it stands below


def shown(note: Note, person_url: str) -> Shown:
    """A note to draw."""
    words = " ".join(note.text.split())
    return Shown(
        key=str(note.id),
        html=safe(note.html),
        beginning=f"{words[:FOLDED].rstrip()}…" if len(words) > LONG else "",
        shared=note.shared,
        pinned=note.pinned_at is not None,
        by=note.by,
        at=note.created_at,
        edited_at=note.edited_at,
        editor=note.editor,
        url=f"{person_url}notes/{note.id}/",
    )


def safe(html: str) -> SafeString:
    """Rich text as a template takes it: cleaned again, whatever the database holds."""
    return SafeString(rich_text.kept(html))


def card_of(core: Connection, project_id: UUID, person_id: UUID, person_url: str) -> dict[str, Any]:
    """What the card shows: the first notes, those behind “more”, and how many there are."""
    found = notes_queries.of_person(core, project_id, person_id, MOST_ON_CARD)
    drawn = [shown(one, person_url) for one in found]
    count, _ = notes_queries.state(core, project_id, person_id)
    return {
        "notes": drawn[:ON_CARD],
        "more_notes": drawn[ON_CARD:],
        "note_count": count,
        "left_out": max(0, count - MOST_ON_CARD),
    }
