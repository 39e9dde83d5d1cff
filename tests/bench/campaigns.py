"""How fast 100,000 people go through a campaign of three steps, and how far behind its outbox is.

    python -m tests.bench.campaigns [--people 100000]

On an installation of its own, without a mail server: what is measured is the campaign's own work,
which ends in the ledger of its emails. Everybody enters at once; the wait between the two emails is
over at once, too. Beside it, the rail and the first page of the list are asked again and again.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg

from regulars.config.installation import set_up_django
from regulars.kit import clock, database
from tests.running import running

WAIT = timedelta(seconds=1)
EMAILS = """
SELECT count(*) FROM email_recipient r JOIN email e
  ON e.project_id = r.project_id AND e.id = r.email_id
WHERE r.project_id = %s AND e.campaign_id = %s
"""
LAG = """
SELECT o.last - c.seq FROM outbox_counter o JOIN campaign_cursor c ON c.project_id = o.project_id
WHERE o.project_id = %s
"""


@dataclass
class Beside:
    """What agents wait for meanwhile, in milliseconds."""

    rail: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)


def main() -> None:
    """Store the people, start the campaign, move everybody through, print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    people = parser.parse_args().people
    folder = Path(tempfile.mkdtemp(prefix="regulars-bench-"))
    settings = {"REGULARS_WEB_PROCESSES": "1"}
    with running(folder / "data", settings=settings) as server:
        _measure(server.data, people)


def _measure(data: Path, people: int) -> None:
    import os

    from regulars.config.data_folder import DataFolder

    state = DataFolder(data).read()
    os.environ["DATABASE_URL"] = (state.dsn if state else "") or ""
    os.environ["REGULARS_DATA"] = str(data)
    set_up_django()
    from regulars.config import wiring
    from tests.bench import population

    wiring.wire()
    with database.connect() as connection:
        project_id = connection.execute("SELECT id FROM project").fetchall()[0][0]
        connection.execute(
            "UPDATE project SET from_email = 'us@example.com', postal_address = 'Here 1'"
        )
        shares = population.Shares(leads=0.0, visitors=0.0)
        population.load(connection, project_id, people, now=clock.now(), shares=shares)
        campaign_id = _campaign(connection, project_id)
        beside, stop = Beside(), threading.Event()
        thread = threading.Thread(target=_look, args=(project_id, beside, stop))
        thread.start()
        began = time.monotonic()
        lags = _wait(connection, project_id, campaign_id, people, began)
        took = time.monotonic() - began
        stop.set()
        thread.join()
    _say(people, took, lags, beside)


def _campaign(connection: psycopg.Connection[Any], project_id: UUID) -> UUID:
    from regulars.campaigns import campaigns, world
    from regulars.campaigns.ready_made import email, letter

    steps = [
        email("one", letter("Hello", "The first.")),
        {"id": "wait", "type": "wait", "minutes": 1},
        email("two", letter("Hello again", "The second.")),
    ]
    now = clock.now()
    with connection.transaction():
        made = campaigns.create(connection, project_id, "Bench", {"steps": steps}, now)
        world.start(connection, project_id, made, now, None)
    return made


def _wait(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    campaign_id: UUID,
    people: int,
    began: float,
) -> list[int]:
    """Until everybody has both emails in the ledger; how far behind the outbox was."""
    lags: list[int] = []
    while time.monotonic() - began < 3_600:
        row = connection.execute(
            "SELECT count(*) FROM campaign_entry WHERE project_id = %s AND campaign_id = %s"
            " AND state = 'ended'",
            (project_id, campaign_id),
        ).fetchone()
        behind = connection.execute(LAG, (project_id,)).fetchone()
        lags.append(int(behind[0]) if behind else 0)
        if row and row[0] >= people:
            break
        time.sleep(1)
    return lags


def _look(project_id: UUID, beside: Beside, stop: threading.Event) -> None:
    from regulars.people import queries
    from regulars.people.queries import Which
    from regulars.segments import glance

    with database.connect() as connection:
        while not stop.wait(0.5):
            for taken, ask in (
                (beside.rail, lambda: glance.rail(connection, project_id)),
                (
                    beside.page,
                    lambda: queries.people_page(
                        connection, project_id, Which(clock.now(), kind="user"), total="none"
                    ),
                ),
            ):
                started = time.monotonic()
                ask()
                taken.append(1000 * (time.monotonic() - started))


def _say(people: int, took: float, lags: list[int], beside: Beside) -> None:
    print(f"{people:,} people through email, wait of a minute, email")
    print(f"  {people / took:,.0f} people/s ({took:.1f} s in all, the minute included)")
    print(f"  outbox behind, at most {max(lags, default=0):,} entries")
    for name, taken in (("rail", beside.rail), ("first page", beside.page)):
        if taken:
            high = sorted(taken)[int(len(taken) * 0.95)]
            print(f"  {name}: p50 {median(taken):.1f} ms, p95 {high:.1f} ms meanwhile")


if __name__ == "__main__":
    main()
