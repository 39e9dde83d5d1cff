"""How fast 100,000 people go through a campaign of three steps, and how far behind its outbox is.

    python -m tests.bench.campaigns [--people 100000]

On an installation of its own, without a mail server: every copy is written, as always, and kept
instead of handed over, so that the campaign shares the machine with the writing of its emails.
Everybody enters at once, and waits a minute between two emails; time in which all of them only wait
is not counted. Beside it, the outbox gets entries about twenty people twice a second, and the rail
and the first page of the list are asked for.

REGULARS_BENCH_CAMPAIGN_PEOPLE is how many people there are if nothing is said.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg

from regulars.config.installation import set_up_django
from regulars.events import outbox
from regulars.kit import clock, database
from tests.bench.cpu import Parts
from tests.running import running

PEOPLE = int(os.environ.get("REGULARS_BENCH_CAMPAIGN_PEOPLE", "100000"))
MOST = 3_600  # seconds after which it is given up
LOOK = 0.25  # seconds between looks at how far they are
TOUCHED = "SELECT id FROM person WHERE project_id = %s ORDER BY id LIMIT 20 OFFSET %s"
# How long the outbox's oldest entry that campaigns have not read has been there.
LAG = """
SELECT coalesce(extract(epoch FROM %(now)s - min(o.at)), 0)::float
FROM outbox o
WHERE o.project_id = %(project)s
  AND o.id > (SELECT coalesce(max(seq), 0) FROM campaign_cursor WHERE project_id = %(project)s)
"""
# Who has left the last step, whether somebody's instant has come, and for how long it has.
HOW_FAR = """
SELECT (SELECT count(*) FROM campaign_entry
        WHERE project_id = %(project)s AND campaign_id = %(campaign)s AND state = 'ended'),
       (SELECT count(*) FROM campaign_run
        WHERE project_id = %(project)s AND campaign_id = %(campaign)s AND done_at IS NOT NULL),
       (SELECT coalesce(extract(epoch FROM %(now)s - min(next_at)), 0)::float FROM campaign_entry
        WHERE project_id = %(project)s AND campaign_id = %(campaign)s AND state = 'active'
          AND next_at <= %(now)s)
"""


@dataclass
class Beside:
    """What agents wait for meanwhile, in milliseconds."""

    rail: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)


@dataclass
class Course:
    """What the campaign itself took, in seconds."""

    whole: float = 0.0
    busy: float = 0.0  # without the time in which everybody only waited
    late: float = 0.0  # the latest that somebody was moved on
    outbox: list[float] = field(default_factory=list)  # how far behind, at each look


def main() -> None:
    """Store the people, start the campaign, move everybody through, print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=PEOPLE)
    people = parser.parse_args().people
    folder = Path(tempfile.mkdtemp(prefix="regulars-bench-"))
    settings = {"REGULARS_WEB_PROCESSES": "1"}
    with running(folder / "data", settings=settings) as server:
        _measure(server.data, people)


def _measure(data: Path, people: int) -> None:
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
        parts = Parts(data)
        campaign_id = _campaign(connection, project_id)
        beside, stop = Beside(), threading.Event()
        thread = threading.Thread(target=_look, args=(project_id, beside, stop))
        thread.start()
        try:
            course = _wait(connection, project_id, campaign_id, people)
        finally:
            stop.set()
            thread.join()
    _say(people, course, beside)
    print(f"  CPU a person, µs: {parts.each(people)}; worker's memory {parts.memory():,.0f} MB")


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
    connection: psycopg.Connection[Any], project_id: UUID, campaign_id: UUID, people: int
) -> Course:
    """Until everybody is through: how long there was something to do, and how late it was done."""
    course = Course()
    began = looked = time.monotonic()
    while looked - began < MOST:
        named = {"project": project_id, "campaign": campaign_id, "now": clock.now()}
        row = connection.execute(HOW_FAR, named).fetchone()
        through, gathered, late = row or (0, 0, 0.0)
        lag = connection.execute(LAG, named).fetchone()
        course.outbox.append(float(lag[0]) if lag else 0.0)
        course.late = max(course.late, late)
        elapsed = time.monotonic() - looked  # since the last look
        looked += elapsed
        if not gathered or late:
            course.busy += elapsed
        if through >= people:
            course.whole = looked - began
            return course
        time.sleep(LOOK)
    raise SystemExit(f"After {MOST} seconds not everybody is through.")


def _look(project_id: UUID, beside: Beside, stop: threading.Event) -> None:
    from regulars.people import queries
    from regulars.people.queries import Which
    from regulars.segments import glance

    with database.connect() as connection:
        turn = 0
        while not stop.wait(0.5):
            turn += 1
            _touch(connection, project_id, turn)
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


def _touch(connection: psycopg.Connection[Any], project_id: UUID, turn: int) -> None:
    """Something happened to twenty people, as the outbox tells it."""
    with connection.transaction():
        ids = [str(row[0]) for row in connection.execute(TOUCHED, (project_id, 20 * turn))]
        outbox.append(connection, project_id, [("people", {"people": ids})], clock.now())


def _say(people: int, course: Course, beside: Beside) -> None:
    print(f"{people:,} people through email, wait of a minute, email")
    print(
        f"  {people / course.busy:,.0f} people/s while there was something to do"
        f" ({course.busy:.1f} s of {course.whole:.1f} s)"
    )
    print(
        f"  outbox read {median(course.outbox):.2f} s after it was written (p50),"
        f" at most {max(course.outbox):.2f} s"
    )
    print(f"  of those whose instant came at once, the last was moved on {course.late:.1f} s later")
    for name, taken in (("rail", beside.rail), ("first page", beside.page)):
        if taken:
            print(f"  {name}: p50 {median(taken):.1f} ms, p95 {_high(taken):.1f} ms meanwhile")


def _high(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]


if __name__ == "__main__":
    main()
