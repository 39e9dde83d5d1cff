"""Emails follow their people: when they merge, when that is undone, when they are erased."""

from __future__ import annotations

from uuid import UUID

from regulars.events import record
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person

TABLES = ("email_recipient", "campaign_outcome", "email_click")

# Who was erased waits for nothing any more; what was sent stays counted as sent.
ERASE_RECIPIENTS = """
WITH gone AS (
    DELETE FROM email_recipient
    WHERE project_id = %(project)s AND person_id = %(person)s
    RETURNING email_id, state
), moved AS (
    SELECT email_id, count(*) AS people FROM gone WHERE state IN ('waiting', 'sending')
    GROUP BY email_id
)
UPDATE email_count c
SET waiting = c.waiting - moved.people, cancelled = c.cancelled + moved.people
FROM moved WHERE c.project_id = %(project)s AND c.id = moved.email_id
"""
ERASE = "DELETE FROM {table} WHERE project_id = %(project)s AND person_id = %(person)s"


class EmailsFollow(NoConsequence):
    """Moves and erases who got which email, and what came of it, with the person."""

    erases: Columns = tuple((table, "person_id") for table in TABLES)

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """What was sent to the one who went was sent to the survivor."""
        record.move(changes.connection, changes.project_id, gone.id, into.id, TABLES)

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """What came from the one who is back is theirs again."""
        record.move_back(changes.connection, changes.project_id, back, from_, TABLES)

    def erased(self, changes: Changes, person: Person) -> None:
        """No row with their address is left, sent or not. What is on its way right now leaves."""
        named = {"project": changes.project_id, "person": person.id}
        changes.connection.execute(ERASE_RECIPIENTS, named)
        for table in TABLES[1:]:
            changes.connection.execute(ERASE.format(table=table), named)
