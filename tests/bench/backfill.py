"""How long a new segment takes to be filled while events keep arriving, and how these fare.

    python -m tests.bench.backfill [--people 1000000] [--rate 2000]

Part of `make bench`. Segments that about a tenth of all people match are saved one after the other
on a running installation, under a steady stream of events; each is timed from being saved until it
is full, and then held against a count of everybody. The stream alone, before, is the comparison;
before that everybody who is in it comes once, and the worker has done what it begins with
(`settled`), so that nothing is measured of the start.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.config.installation import set_up_django
from regulars.filters.to_sql import to_sql
from regulars.kit import clock, database
from tests.bench import tables
from tests.running import running

RATE = 2_000  # events a second
BATCH = 10  # events a request
CONNECTIONS = 64  # whoever waits for an answer holds nobody else up
ALONE = 8.0  # seconds of the stream without a segment being filled
PATIENCE = 300.0  # seconds after which a segment counts as never filled

SEGMENTS: dict[str, Any] = {
    "an attribute": {"field": "country", "op": "is_any_of", "value": ["Sweden"]},
    "an attribute and time": {
        "all": [
            {"field": "last_seen", "op": "within_last", "value": 14},
            {"field": "browser", "op": "is_not", "value": "Chrome"},
            {"field": "kind", "op": "is", "value": "user"},
            {"field": "attributes.plan", "op": "is_not", "value": "free"},
        ]
    },
}
# Of everybody: how many are in the segment, and how many are not what the rule says, neither now
# nor a second ago, by which whom time moves may lag.
LOOK = """
SELECT count(*) FILTER (WHERE is_in), count(*) FILTER (WHERE is_in <> fits AND is_in <> fitted)
FROM (
    SELECT a.segments @> ARRAY[s.number] AS is_in, {now} IS TRUE AS fits, {before} IS TRUE AS fitted
    FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
    JOIN segment s ON s.project_id = p.project_id AND s.id = %s
    WHERE p.project_id = %s
) AS asked
"""
KEPT = "SELECT people FROM segment_count WHERE project_id = %s AND id = %s"
EVERYBODY = "SELECT sum(people) FROM kind_count WHERE project_id = %s"


@dataclass(frozen=True, slots=True)
class Filled:
    """A segment's filling: its name, the people in it, of how many, and what it took.

    `wrong` are those whose membership is not what the rule says when nothing arrives any more, and
    by how many the kept count is off.
    """

    name: str
    people: int
    everybody: int
    seconds: float
    saved_ms: float
    events_per_s: float
    p50_ms: float
    p99_ms: float
    answered: int
    wrong: int


def measure(
    connection: psycopg.Connection[Any], project_id: UUID, host: str, key: str, people: Path
) -> tuple[dict[str, Any], list[Filled]]:
    """The stream alone, and each segment's filling under it; its people have all come before."""
    alone = _finished(_stream(host, key, people, ALONE, "alone"), stop=False)
    filled = []
    for name, rule in SEGMENTS.items():
        filled.append(_fill(connection, project_id, name, rule, (host, key, people)))
    return alone, filled


def _fill(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    name: str,
    rule: Any,
    stream: tuple[str, str, Path],
) -> Filled:
    from regulars.segments import actions, queries

    streaming = _stream(*stream, PATIENCE, f"fill-{name[-4:]}")
    time.sleep(1.0)
    started = time.monotonic()
    with connection.transaction():
        segment = actions.create(connection, project_id, name, clock.now(), filter_=rule)
    saved = time.monotonic() - started
    while queries.segment(connection, project_id, segment).filling is not None:
        if time.monotonic() - started > PATIENCE:
            break
        time.sleep(0.05)
    seconds = time.monotonic() - started
    found = _finished(streaming, stop=True)
    [(everybody,)] = connection.execute(EVERYBODY, (project_id,)).fetchall()
    people, wrong = _looked_at(connection, project_id, segment)
    return Filled(
        name, people, int(everybody), seconds, saved * 1000, found["events_per_s"],
        found["p50_ms"], found["p99_ms"], found["answered"], wrong,
    )  # fmt: skip


def _save_segments(connection: psycopg.Connection[Any], project_id: UUID, rules: list[Any]) -> None:
    """Have these segments, filled, as a project that goes on for a while has them."""
    from regulars.segments import actions, filling

    for number, rule in enumerate(rules):
        with connection.transaction():
            name = f"Segment {number}"
            actions.create(connection, project_id, name, clock.now(), filter_=rule)
    filling.fill_project(connection, project_id, clock.now())


def _looked_at(
    connection: psycopg.Connection[Any], project_id: UUID, segment: UUID
) -> tuple[int, int]:
    """The kept count, and how many are wrong at a look at everybody."""
    from regulars.segments.plan import segments_written_out

    rule, zone = segments_written_out(connection, project_id)[segment], ZoneInfo("UTC")
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        [(kept,)] = connection.execute(KEPT, (project_id, segment)).fetchall()
        now = clock.now()
        text, params = to_sql(rule, now=now, zone=zone)
        before, more = to_sql(rule, now=now - timedelta(seconds=1), zone=zone)
        look = LOOK.format(now=text, before=before)
        asked = (*params, *more, segment, project_id)
        [(members, wrong)] = connection.execute(look, asked).fetchall()
    return kept, wrong + abs(kept - members)


def _stream(
    host: str, key: str, people: Path, seconds: float, prefix: str
) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "tests.bench.load", "--host", host, "--key", key, "--people",
        str(people), "--events", str(BATCH), "--connections", str(CONNECTIONS), "--seconds",
        str(seconds), "--rate", str(RATE), "--prefix", f"{prefix}-{time.time_ns()}",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _greeted(host: str, key: str, people: Path) -> None:
    """Have everybody of the stream come once, as fast as they are served."""
    command = [
        sys.executable, "-m", "tests.bench.load", "--host", host, "--key", key, "--people",
        str(people), "--seconds", "5", "--prefix", f"greet-{time.time_ns()}", "--greet",
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _finished(streaming: subprocess.Popen[str], *, stop: bool) -> dict[str, Any]:
    """What the stream says of itself; asked to stop, it says what there was until then."""
    if stop:
        streaming.terminate()
    output, _ = streaming.communicate(timeout=PATIENCE)
    found: dict[str, Any] = json.loads(output)
    return found


def main() -> None:
    """The command: an installation of its own."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--people", type=int, default=1_000_000)
    asked = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-fill")))
        installation = stack.enter_context(running(folder / "data"))
        state = json.loads((folder / "data" / "run" / "state.json").read_text("utf-8"))
        os.environ |= {"DATABASE_URL": state["dsn"], "REGULARS_DATA": str(folder / "data")}
        set_up_django()
        alone, filled = _measured(asked.people, folder, installation.url.removeprefix("http://"))
    tables.filling(alone, filled)


def _measured(people: int, folder: Path, host: str) -> tuple[dict[str, Any], list[Filled]]:
    from regulars.config import wiring
    from regulars.workspaces.actions import create_project
    from tests.bench import population, segments
    from tests.bench.__main__ import Bench
    from tests.bench.settled import wait_until_settled

    wiring.wire()
    with database.connect() as connection:
        made = create_project("Backfill", now=clock.now())
        population.load(connection, made.project_id, people, now=clock.now())
        _save_segments(connection, made.project_id, segments.FILTERS[:20])
        connection.execute("ANALYZE")
        bench = Bench(connection, made.project_id, made.write_key, {}, folder / "people.json")
        bench.choose_people()
        _greeted(host, made.write_key, bench.people)
        wait_until_settled(connection, made.project_id)
        return measure(connection, made.project_id, host, made.write_key, bench.people)


if __name__ == "__main__":
    main()
