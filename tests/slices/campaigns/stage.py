"""A project with campaigns: made, started, and moved on by the test's own clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import campaigns, campaigns_loop
from regulars.campaigns.engine import definition as d
from regulars.people.person import Person
from tests.slices.tracking.site import NOON, Site, identify

ENTRIES = """
SELECT id, person_id, state, held_out, step, why, next_at, ended, goal_at
FROM campaign_entry WHERE project_id = %s AND campaign_id = %s ORDER BY entered_at, id
"""
DONE = """
SELECT person_id, step, turn, variant, at FROM campaign_done
WHERE project_id = %s AND campaign_id = %s ORDER BY at, id
"""
SENT = """
SELECT r.person_id FROM email_recipient r
JOIN email e ON e.project_id = r.project_id AND e.id = r.email_id
WHERE r.project_id = %s AND e.campaign_id = %s AND r.state <> 'left_out'
"""
COUNTS = """
SELECT what, sum(people)::int FROM campaign_count
WHERE project_id = %s AND campaign_id = %s AND step = '' GROUP BY what
"""


def email(id_: str = "mail", subject: str = "Hello", **more: Any) -> dict[str, Any]:
    """An email step with a message of its own."""
    content = {"format": "html", "subject": subject, "source": "<p>Hello</p>", "text": "Hello"}
    return {"id": id_, "type": "email", "variants": [{"content": content}], **more}


def wait(id_: str = "wait", **passing: int) -> dict[str, Any]:
    """A wait."""
    return {"id": id_, "type": "wait", **passing}


class Stage:
    """One project's campaigns."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.connection: psycopg.Connection[Any] = site.connection
        self.project_id = site.project.id
        self.connection.execute(
            "UPDATE project SET from_email = 'us@example.com', from_name = 'Us' WHERE id = %s",
            (self.project_id,),
        )

    def user(self, name: str, at: datetime = NOON, **traits: Any) -> Person:
        """A user with an address."""
        said = {"email": f"{name}@example.com", **traits}
        zone = said.pop("timezone", None)
        context = {"context": {"timezone": zone}} if zone else {}
        self.site.send(identify(name, f"{name}-browser", said, **context), at=at)
        person = self.site.person_of(user=name)
        assert person is not None
        return person

    def make(self, *steps: dict[str, Any], name: str = "Campaign", **data: Any) -> UUID:
        """A draft."""
        with self.connection.transaction():
            return campaigns.create(
                self.connection, self.project_id, name, {"steps": list(steps), **data}, NOON
            )

    def start(self, campaign_id: UUID, at: datetime = NOON) -> UUID:
        """Start it with its messages as they are."""
        with self.connection.transaction():
            campaigns.start(
                self.connection, self.project_id, campaign_id, self.letters(campaign_id), at
            )
        return campaign_id

    def letters(self, campaign_id: UUID) -> dict[str, Any]:
        """The messages of what was written last."""
        written = campaigns.get(self.connection, self.project_id, campaign_id).written
        return {
            f"{step.id}:{variant.id}": {"content": variant.content}
            for step in d.all_steps(written.steps)
            if isinstance(step, d.Email)
            for variant in step.variants
        }

    def started(self, *steps: dict[str, Any], at: datetime = NOON, **data: Any) -> UUID:
        """A campaign that runs."""
        return self.start(self.make(*steps, **data), at)

    def run(self, at: datetime) -> None:
        """Move everybody whose instant has come, as the worker does."""
        while campaigns_loop.step_project(self.connection, self.project_id, at):
            pass

    def do(self, action: str, campaign_id: UUID, at: datetime = NOON) -> None:
        """Pause, resume or stop it."""
        with self.connection.transaction():
            getattr(campaigns, action)(self.connection, self.project_id, campaign_id, at, None)

    def edit(self, campaign_id: UUID, *steps: dict[str, Any], at: datetime, **data: Any) -> None:
        """Write it anew and publish that."""
        said = {"steps": list(steps), **data}
        with self.connection.transaction():
            campaigns.save(self.connection, self.project_id, campaign_id, at, data=said)
            letters = self.letters(campaign_id)
            campaigns.publish(self.connection, self.project_id, campaign_id, letters, at)

    def entries(self, campaign_id: UUID) -> list[dict[str, Any]]:
        """Where everybody is."""
        cursor = self.connection.execute(ENTRIES, (self.project_id, campaign_id))
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def entry(self, campaign_id: UUID) -> dict[str, Any]:
        """Where the only one is."""
        (one,) = self.entries(campaign_id)
        return one

    def done(self, campaign_id: UUID) -> list[tuple[UUID, str]]:
        """What was done for whom, in order."""
        rows = self.connection.execute(DONE, (self.project_id, campaign_id))
        return [(row[0], row[1]) for row in rows]

    def times(self, campaign_id: UUID) -> list[datetime]:
        """When what was done was done."""
        return [row[4] for row in self.connection.execute(DONE, (self.project_id, campaign_id))]

    def emailed(self, campaign_id: UUID) -> list[UUID]:
        """Who is in the ledger of the campaign's emails, once for each email."""
        return [row[0] for row in self.connection.execute(SENT, (self.project_id, campaign_id))]

    def counts(self, campaign_id: UUID) -> dict[str, int]:
        """The kept numbers."""
        return dict(self.connection.execute(COUNTS, (self.project_id, campaign_id)).fetchall())

    def settings(self, **said: Any) -> None:
        """What holds for all campaigns of the project."""
        columns = ", ".join(said)
        values = ", ".join(["%s"] * len(said))
        self.connection.execute(
            f"INSERT INTO campaign_settings (project_id, id, changed_at, {columns})"
            f" VALUES (%s, %s, %s, {values})",
            (self.project_id, self.project_id, NOON, *said.values()),
        )


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
