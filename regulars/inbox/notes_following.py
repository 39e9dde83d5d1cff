"""Notes follow their person: to whom they are merged into, back again, and out of the world."""

from __future__ import annotations

from uuid import UUID

from regulars.events import record
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person

TABLES = ("note",)

# An edit that is under way ends first: what it adds would be left behind.
LOCK = "SELECT id FROM note WHERE project_id = %s AND person_id = %s ORDER BY id FOR UPDATE"
ERASE_VERSIONS = "DELETE FROM note_version WHERE project_id = %s AND note_id = ANY(%s)"
ERASE = "DELETE FROM note WHERE project_id = %s AND person_id = %s"


class NotesFollow(NoConsequence):
    """Moves notes with who is merged, gives them back, and erases them with their history."""

    erases: Columns = (("note", "person_id"),)

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """All notes on `gone` are notes on `into`."""
        record.move(changes.connection, changes.project_id, gone.id, into.id, TABLES)

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """What came from `back` returns; what was written since stays."""
        record.move_back(changes.connection, changes.project_id, back, from_, TABLES)

    def erased(self, changes: Changes, person: Person) -> None:
        """Deleted ones too."""
        theirs = (changes.project_id, person.id)
        ids = [row[0] for row in changes.connection.execute(LOCK, theirs)]
        changes.connection.execute(ERASE_VERSIONS, (changes.project_id, ids))
        changes.connection.execute(ERASE, theirs)
