"""kill -9 of the worker amid an email to many that leaves by a mail service's API.

As `test_emails.py`, counted at the service: everybody gets one or is listed unknown with the
reason, nobody whose outcome is known gets two, and the service's own faults change nothing of it.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.campaigns import settings
from regulars.campaigns.settings import Sending
from regulars.mail.services import accounts
from tests.faults.test_emails import SOON, STATES, Post
from tests.migrated import migrated
from tests.running import free_port, running, wait_until

EVERYBODY = 400


class ByService(Post):
    """An installation that mails by a service which keeps count."""

    def serve(self) -> None:
        """Start the service."""
        command = [
            sys.executable, "-m", "tests.slices.mail.services", str(self.port), str(self.sink)
        ]  # fmt: skip
        self._serving = subprocess.Popen(command)

    def choose(self) -> None:
        account = accounts.check("postmark", {"key": "right"})
        said = Sending(service="postmark", service_key=accounts.to_keep(account))
        with self.connect() as connection:
            settings.keep(connection, self.project_id, said)


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByService]:
    port = free_port()
    monkeypatch.setenv("REGULARS_SECRET_KEY", "the installation's")
    at = {
        "REGULARS_TESTING": "1",
        "REGULARS_MAIL_SERVICES_AT": f"http://127.0.0.1:{port}",
        "REGULARS_SECRET_KEY": "the installation's",
    }
    with running(migrated(tmp_path / "data"), settings=at) as up:
        made = ByService(up, tmp_path / "arrived", port)
        made.choose()
        made.serve()
        yield made
        made.away()


def test_everybody_gets_one_by_the_service_or_is_listed_unknown(post: ByService) -> None:
    post.know(EVERYBODY)
    email_id = post.send()
    for here in (EVERYBODY // 5, EVERYBODY // 2):
        wait_until(
            lambda here=here: post.arrived.total() >= here,  # type: ignore[misc]
            seconds=SOON,
            otherwise=post.up.said,
        )
        post.kill("worker")
    post.away()  # and the service is gone for a moment, amid mails
    post.serve()
    wait_until(lambda: post.is_sent(email_id), seconds=SOON, otherwise=post.up.said)
    with post.connect() as connection:
        rows = connection.execute(STATES, (post.project_id, email_id)).fetchall()
    states = {address: state for address, state, _ in rows}
    found = Counter(states.values())
    print(f"\n{dict(found)}; {len(post.arrived)} people got {post.arrived.total()}")
    assert len(states) == EVERYBODY
    assert set(found) <= {"sent", "unknown"}
    assert {address: n for address, n in post.arrived.items() if n > 1} == {}
    assert [one for one, state in states.items() if state == "sent" and not post.arrived[one]] == []
    assert all(reason for _, state, reason in rows if state == "unknown")
