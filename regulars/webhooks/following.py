"""What webhooks were told of a person goes with the person."""

from __future__ import annotations

from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person

# Deliveries name a person by the id they had: those of people who became them go, too.
ERASE = """
DELETE FROM webhook_delivery WHERE project_id = %(project)s AND person_id IN (
    SELECT %(person)s::uuid
    UNION ALL
    SELECT value::uuid FROM identity
    WHERE project_id = %(project)s AND person_id = %(person)s AND kind = 'former'
)
"""


class DeliveriesFollow(NoConsequence):
    """Erases what was told, or waits to be told, of somebody who is erased."""

    erases: Columns = (("webhook_delivery", "person_id"),)

    def erased(self, changes: Changes, person: Person) -> None:
        """Their name stands in every delivery about them."""
        named = {"project": changes.project_id, "person": person.id}
        changes.connection.execute(ERASE, named)
