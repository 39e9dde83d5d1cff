"""Telling what does not want to be told: tries, rests, giving up, and workers that die."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta

import psycopg
import pytest

from regulars.kit import database as kit_database
from regulars.webhooks import deliveries, post, sending, webhooks
from regulars.workspaces.errors import InvalidError
from tests.running import wait_until
from tests.slices.tracking.site import track
from tests.slices.webhooks.conftest import Told
from tests.slices.webhooks.receiver import Receiver, receiving

WORKER = """
import threading
from regulars.config.installation import set_up_django
set_up_django()
from regulars.webhooks.sending import tell_webhooks
tell_webhooks(threading.Event())
"""


def test_what_fails_is_tried_again_later_under_the_same_id(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    receiver.statuses = [500]
    told.did(track("First", "b1"))
    told.did(track("Second", "b1"))
    assert told.tend(hook) == 2  # the second did not wait for the first
    first, second = told.deliveries(hook)
    assert (first.state, first.status, first.problem) == ("waiting", 500, "It answered 500.")
    assert (first.answer, second.state, second.problem) == ("thanks", "delivered", "")
    assert told.tend(hook) == 0
    told.later(seconds=6)
    assert told.tend(hook) == 1
    assert told.deliveries(hook)[0].state == "delivered"
    assert [one["id"] for one in receiver.told] == [str(first.id), str(second.id), str(first.id)]
    assert receiver.came[2][0]["X-Regulars-Attempt"] == "2"


def test_a_redirect_is_not_followed(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    receiver.statuses = [302]
    told.did(track("First", "b1"))
    told.tend(hook)
    assert len(receiver.came) == 1
    assert "redirect" in told.deliveries(hook)[0].problem


def test_who_fails_again_and_again_rests_and_is_switched_off_after_days(
    told: Told, receiver: Receiver
) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    receiver.statuses = [503] * 100
    told.did(*(track(f"Deed {number}", "b1") for number in range(20)))
    assert told.tend(hook) == sending.IN_A_ROW
    assert told.get(hook).paused_until is not None
    assert told.tend(hook) == 0
    told.later(minutes=1)
    assert told.tend(hook) == 1  # one look, and another rest
    told.later(days=3)
    assert told.tend(hook) == 0
    assert {one.state for one in told.deliveries(hook)} == {"failed"}
    assert "Given up after 3 days." in told.deliveries(hook)[-1].problem
    told.later(days=3)
    with told.connection.transaction():
        deliveries.add_test(told.connection, hook, told.now)
    assert told.tend(hook) == 1
    off = told.get(hook)
    assert (off.is_on, off.off_because) == (False, "It took nothing for 5 days. It answered 503.")
    with pytest.raises(InvalidError), told.connection.transaction():
        deliveries.send_again(told.connection, off, told.deliveries(off)[0].id, told.now)


def test_switched_on_again_it_goes_on_where_it_was(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    with told.connection.transaction():
        webhooks.change(told.connection, told.project_id, hook.id, told.now, is_on=False)
    told.did(track("Meanwhile", "b1"))
    assert told.tend(hook) == 0
    with told.connection.transaction():
        webhooks.change(told.connection, told.project_id, hook.id, told.now, is_on=True)
    assert told.tend(hook) == 1


def test_who_says_to_be_gone_is_told_no_more(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    receiver.statuses = [410]
    told.did(track("First", "b1"), track("Second", "b1"))
    assert told.tend(hook) == 1
    assert not told.get(hook).is_on


def test_one_that_was_given_up_can_be_sent_again(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    receiver.statuses = [500]
    told.did(track("First", "b1"))
    told.tend(hook)
    told.later(days=4)
    told.tend(hook)
    (one,) = told.deliveries(hook)
    assert one.state == "failed"
    with told.connection.transaction():
        deliveries.send_again(told.connection, told.get(hook), one.id, told.now)
    assert told.tend(hook) == 1
    assert told.deliveries(hook)[0].state == "delivered"


def test_a_receiver_that_never_answers_is_left(
    told: Told, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "PATIENCE", 0.2)
    hook = told.webhook(receiver.url, ["event.performed"])
    receiver.go_on.clear()
    told.did(track("First", "b1"))
    assert told.tend(hook) == 1
    assert "No answer within" in told.deliveries(hook)[0].problem


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "https://", "example.com", "https://me:pw@example.com/",
        "https://example.com/#x", "http://127.0.0.1/", "http://10.1.2.3/", "http://169.254.169.254/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://0.0.0.0/",
        "http://127.1/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[2002:7f00:1::]/",
        "https://example.com:0/", "https://exa mple.com/", "http://100.64.0.1/", "http://2130706433/",
    ],
)  # fmt: skip
def test_a_url_that_is_not_public_is_refused(
    told: Told, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_WEBHOOK_NETWORKS", "nonsense, 192.0.2.0/24")
    with pytest.raises(InvalidError) as refused:
        told.webhook(url)
    assert refused.value.field == "url"


def test_a_name_is_looked_at_when_it_is_connected_to(
    told: Told, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGULARS_WEBHOOK_NETWORKS")
    hook = told.webhook(receiver.by_name, ["event.performed"])
    told.did(track("First", "b1"))
    assert told.tend(hook) == 1
    assert told.deliveries(hook)[0].problem == "The host is not public."
    assert receiver.came == []


def test_a_worker_that_is_killed_amid_a_delivery_is_taken_over_from(
    told: Told, receiver: Receiver
) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    told.did(track("First", "b1"), track("Second", "b1"))
    receiver.go_on.clear()
    environment = {**os.environ, "DATABASE_URL": kit_database.dsn()}
    worker = subprocess.Popen([sys.executable, "-c", WORKER], env=environment)
    try:
        receiver.wait_for(1)
    finally:
        worker.kill()
        worker.wait(10)
    receiver.go_on.set()
    assert told.tend(hook) == 0  # it is still the dead one's
    told.ahead += sending.LEASE + timedelta(seconds=10)
    assert told.tend(hook) == 2
    names = [one["data"]["event"]["name"] for one in receiver.told]
    assert names == ["First", "First", "Second"]
    assert len({one["id"] for one in receiver.told}) == 2


def test_a_slow_receiver_holds_nobody_elses_up(
    told: Told, receiver: Receiver, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    stop = threading.Event()
    other = Told(database)
    with receiving() as quick:
        for _ in range(6):
            told.webhook(receiver.url, ["event.performed"])
        other.webhook(quick.url, ["event.performed"])
        receiver.go_on.clear()
        told.did(track("Slow", "b1"))
        loop = threading.Thread(target=sending.tell_webhooks, args=(stop,), daemon=True)
        loop.start()
        try:
            wait_until(lambda: len(receiver.came) == sending.OF_A_PROJECT, seconds=30)
            other.did(track("Quick", "b1"))
            quick.wait_for(1)
        finally:
            receiver.go_on.set()
            stop.set()
            loop.join(30)
    assert not loop.is_alive()
