"""A draft whose people were let go, since nobody sent it for days: they are gathered anew."""

from __future__ import annotations

from regulars.campaigns import emails, ledger
from regulars.campaigns.emails import Email
from regulars.kit import clock, database
from regulars.workspaces.errors import ConflictError, InvalidError

GATHERED_WITHIN = 3.0  # seconds before a page is answered; the worker does the rest


def with_its_people(email: Email) -> Email:
    """The draft, its audience being gathered if it was not; as of when it was chosen."""
    if email.state != "draft" or email.audience is None or email.campaign_id is not None:
        return email
    at = clock.now()
    with database.pool().connection() as connection:
        try:
            with connection.transaction():
                ledger.begin(connection, email.project_id, email.id, at)
        except InvalidError:
            return email  # nobody of them is left: the page says how many it is for
        except ConflictError:
            pass  # two pages were opened at once
        ledger.gather(connection, email.project_id, email.id, at, seconds=GATHERED_WITHIN)
        return emails.get(connection, email.project_id, email.id)
