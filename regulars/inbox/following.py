"""Conversations follow their people: when they merge, when that is undone, when they are erased."""

from __future__ import annotations

from uuid import UUID

from regulars.events import record
from regulars.inbox.live import Pointer, tell
from regulars.mail import outgoing, subscriptions, suppressions
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person

TABLES = ("conversation",)

# Files of what the merged person's conversations hold name them too.
FILES_MOVE = """
UPDATE attachment SET person_id = %s
WHERE project_id = %s AND message_id IS NOT NULL AND conversation_id IN (
    SELECT id FROM conversation WHERE project_id = %s AND person_id = %s
)
"""
ERASE = """
    DELETE FROM {table} WHERE project_id = %(project)s AND conversation_id IN (
        SELECT id FROM conversation WHERE project_id = %(project)s AND person_id = %(person)s
    )
    """
# What the storage shall let go of, once this commits.
FILES_GONE = """
INSERT INTO file_gone (project_id, id, key, at)
SELECT a.project_id, a.id, a.key, %(now)s FROM attachment a
WHERE a.project_id = %(project)s AND (
    a.person_id = %(person)s OR a.conversation_id IN (
        SELECT id FROM conversation WHERE project_id = %(project)s AND person_id = %(person)s
    )
)
ON CONFLICT (project_id, id) DO NOTHING
"""
# Two people again: neither's conversation goes on in one of the other's.
PART = """
UPDATE conversation c SET merged_into = NULL
FROM conversation standing
WHERE c.project_id = %(project)s AND c.person_id IN (%(back)s, %(from)s)
  AND standing.project_id = c.project_id AND standing.id = c.merged_into
  AND standing.person_id <> c.person_id
"""
# Whether somebody else has the address.
SAME_ADDRESS = """
SELECT 1 FROM person WHERE project_id = %s AND email_folded = %s AND id <> %s LIMIT 1
"""
IN_CONVERSATIONS = ("mention", "onlooker", "attachment", "message")
ERASE_OWN = "DELETE FROM {table} WHERE project_id = %(project)s AND person_id = %(person)s"


class ConversationsFollow(NoConsequence):
    """Moves and erases conversations, their messages and files with the person."""

    erases: Columns = (("conversation", "person_id"), ("attachment", "person_id"))

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """The survivor has them all; whoever follows the one who went looks who they are now."""
        tell(changes.connection, changes.project_id, Pointer("changed", person_id=gone.id))
        record.move(changes.connection, changes.project_id, gone.id, into.id, TABLES)
        self._move_files(changes, into.id)

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """What came from the one who is back is theirs again."""
        tell(changes.connection, changes.project_id, Pointer("changed", person_id=from_))
        record.move_back(changes.connection, changes.project_id, back, from_, TABLES)
        named = {"project": changes.project_id, "back": back, "from": from_}
        changes.connection.execute(PART, named)
        self._move_files(changes, back)

    def erased(self, changes: Changes, person: Person) -> None:
        """Everything that was said to them and by them. The storage lets go of files after."""
        named = {"project": changes.project_id, "person": person.id, "now": changes.now}
        changes.connection.execute(FILES_GONE, named)
        for table in IN_CONVERSATIONS:
            changes.connection.execute(ERASE.format(table=table), named)
        for table in ("attachment", "conversation"):
            changes.connection.execute(ERASE_OWN.format(table=table), named)

    @staticmethod
    def _move_files(changes: Changes, person_id: UUID) -> None:
        project = changes.project_id
        changes.connection.execute(FILES_MOVE, (person_id, project, project, person_id))


class MailFollows(NoConsequence):
    """Mail that was sent to a person goes with them: `mail` itself knows nobody."""

    erases: Columns = (("outgoing_mail", "person_id"),)

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """It was sent to the survivor."""
        outgoing.move(changes.connection, changes.project_id, gone.id, into.id)

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """It was sent to the one who is back."""
        outgoing.move_back(changes.connection, changes.project_id, back, from_)

    def erased(self, changes: Changes, person: Person) -> None:
        """What waits is not sent any more. That they unsubscribed stays, without their address."""
        outgoing.erase(changes.connection, changes.project_id, person.id)
        named = (changes.project_id, person.email_folded, person.id)
        if person.email and not changes.connection.execute(SAME_ADDRESS, named).fetchone():
            subscriptions.forget(changes.connection, changes.project_id, person.email)
            suppressions.forget(changes.connection, changes.project_id, person.email)
