"""Many people turn up at once, in two processes: each is made once, nothing has to start anew."""

from __future__ import annotations

import json
import threading
from typing import Any

import psycopg
import pytest

from regulars.kit import database as kit_database
from regulars.people import changes
from regulars.tracking import commit
from regulars.tracking.commit import Arrival, Committer
from regulars.tracking.pipeline import parse, steps
from regulars.tracking.pipeline.steps import Event, Request
from tests.slices.tracking.site import NOON, Site, open_site

ROUNDS = 12
A_ROUND = 40  # newcomers, the same in both processes


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def arrival(site: Site, number: int, process: int) -> Arrival:
    """What both processes get of the round, each in an order of its own."""
    people = range(number * A_ROUND, (number + 1) * A_ROUND)
    messages = [
        {"type": "page", "anonymousId": f"a{n}", "messageId": f"{process}-{n}"} for n in people
    ]
    body = json.dumps({"batch": messages[:: 1 if process else -1]}).encode()
    _, pieces = parse.read_batch(body)
    events = [steps.run(piece.message, Request(NOON, browser_call=True)) for piece in pieces]
    return Arrival(site.project, [event for event in events if isinstance(event, Event)])


@pytest.mark.parametrize("a_few", [10, 500])
def test_the_same_newcomers_in_two_processes_are_made_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, a_few: int
) -> None:
    monkeypatch.setattr(commit, "TRIES", 1)
    monkeypatch.setattr(changes, "A_FEW", a_few)
    failed: list[BaseException] = []

    def work(process: int) -> None:
        try:
            committer = Committer()
            with kit_database.connect() as connection:
                for number in range(ROUNDS):
                    committer.commit(connection, [arrival(site, number, process)], NOON)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=work, args=(process,)) for process in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert len(site.people()) == ROUNDS * A_ROUND
    assert site.count("event") == 2 * ROUNDS * A_ROUND
