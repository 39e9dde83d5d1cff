"""A campaign that goes on while anything happens to its people, and segments that ask about it."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from regulars.campaigns import campaigns_loop, deciding, emails, outcomes
from regulars.campaigns.deciding import Result
from regulars.campaigns.outcomes import Outcome
from tests.slices.campaigns.stage import Stage, email, wait
from tests.slices.tracking.site import NOON, Site

Connection = psycopg.Connection[Any]

RECIPIENTS = """
SELECT r.id, r.email_id, r.state FROM email_recipient r
WHERE r.project_id = %s AND r.state IN ('waiting', 'sent') ORDER BY r.id
"""
CAME: tuple[Outcome, ...] = ("delivered", "opened", "clicked", "bounced", "unsubscribed", "replied")


class Campaigning:
    """One campaign: whoever orders enters, every time; some are held out."""

    def __init__(self, site: Site) -> None:
        self.project_id = site.project.id
        stage = Stage(site)
        second = {"id": "second", "type": "email", "variants": [
            {"id": one, "share": 50, "content": email("x", one)["variants"][0]["content"]}
            for one in "ab"
        ]}  # fmt: skip
        self.campaign = stage.started(
            email("mail"), wait("rest", hours=7), second, at=NOON,
            trigger={"type": "event", "event": "Order Completed"}, entry={"rule": "every_time"},
            audience={"holdout": 20},
            goal={"filter": {"field": "attributes.plan", "op": "is", "value": "pro"}, "days": 30},
        )  # fmt: skip

    def rules(self) -> list[Any]:
        """What segments may ask about it."""
        asked: list[dict[str, Any]] = [
            {"op": "entered"}, {"op": "not_held_out"}, {"op": "sent"}, {"op": "not_opened"},
            {"op": "clicked", "step": "mail"}, {"op": "not_delivered", "step": "second"},
            {"op": "passed", "step": "rest"}, {"op": "under_way"},
            {"op": "under_way", "step": "rest"}, {"op": "passed", "step": "second", "variant": "b"},
            {"op": "opened", "step": "second", "variant": "a"}, {"op": "finished"},
            {"op": "not_left_at_goal"}, {"op": "reached_goal"},
        ]  # fmt: skip
        rules: list[Any] = [{"campaign": str(self.campaign), **one} for one in asked]
        sent, not_opened = rules[2], rules[3]
        return [*rules, {"all": [sent, not_opened]}]

    def move(self, connection: Connection, now: datetime) -> None:
        """One round of the worker's."""
        campaigns_loop.step_project(connection, self.project_id, now)

    def send(self, connection: Connection, dice: random.Random, now: datetime) -> None:
        """One of those who wait gets the mail, or a server refuses it."""
        found = self._recipients(connection, "waiting")
        if found:
            recipient, email_id = dice.choice(found)
            run, one = uuid4(), emails.get(connection, self.project_id, email_id)
            became = dice.choice(["sent", "sent", "failed"])
            with connection.transaction():
                mine = deciding.decide(connection, one, run, [recipient], now)
            if mine:
                with connection.transaction():
                    result = Result(recipient, became)  # type: ignore[arg-type]
                    deciding.write(connection, one, run, [result], now)

    def come(self, connection: Connection, dice: random.Random, now: datetime) -> None:
        """Something comes back of a mail."""
        found = self._recipients(connection, "sent")
        if found:
            recipient, _ = dice.choice(found)
            outcomes.record(connection, self.project_id, recipient, dice.choice(CAME), now)

    def _recipients(self, connection: Connection, state: str) -> list[tuple[UUID, UUID]]:
        rows = connection.execute(RECIPIENTS, (self.project_id,)).fetchall()
        return [(id_, email_id) for id_, email_id, is_ in rows if is_ == state]
