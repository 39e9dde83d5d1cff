"""Campaigns follow their people: when they merge, when that is undone, when they are erased."""

from __future__ import annotations

from uuid import UUID

from regulars.events import record
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person

TABLES = ("campaign_entry", "campaign_done")

# Who is in the same campaign twice by a merge goes on once: what came later in stops, until the
# merge is undone.
STOP_TWICE = """
UPDATE campaign_entry e SET state = 'merged'
WHERE e.project_id = %(project)s AND e.person_id = %(into)s AND e.state = 'active'
  AND e.came_from[cardinality(e.came_from)] = %(gone)s
  AND EXISTS (
      SELECT 1 FROM campaign_entry o
      WHERE o.project_id = e.project_id AND o.person_id = e.person_id
        AND o.campaign_id = e.campaign_id AND o.id <> e.id AND o.state <> 'merged'
        AND o.occurrence = e.occurrence
  )
"""
GO_ON = """
UPDATE campaign_entry SET state = 'active'
WHERE project_id = %s AND person_id = %s AND state = 'merged'
"""
ERASE = "DELETE FROM {table} WHERE project_id = %s AND person_id = %s"


class CampaignsFollow(NoConsequence):
    """Moves and erases where people are in campaigns, and what was done for them."""

    erases: Columns = tuple((table, "person_id") for table in TABLES)

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """The survivor goes on where either was, and nothing comes to them twice."""
        record.move(changes.connection, changes.project_id, gone.id, into.id, TABLES)
        named = {"project": changes.project_id, "gone": gone.id, "into": into.id}
        changes.connection.execute(STOP_TWICE, named)

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """Who is back goes on from where they were."""
        record.move_back(changes.connection, changes.project_id, back, from_, TABLES)
        changes.connection.execute(GO_ON, (changes.project_id, back))

    def erased(self, changes: Changes, person: Person) -> None:
        """Nothing is left of where they were. How many there were stays counted."""
        for table in TABLES:
            changes.connection.execute(ERASE.format(table=table), (changes.project_id, person.id))
