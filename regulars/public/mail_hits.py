"""Writes down openings and clicks, behind the answers that they got.

A click waits a moment: whoever follows several links of one mail at once is a scanner, and then the
first of them was one's too. While the database is away they wait, up to a number; a process that is
killed loses what waited.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import psycopg

from regulars.kit import database
from regulars.mail import feedback, machines
from regulars.mail.feedback import Connection, Feedback
from regulars.mail.links import Reader
from regulars.mail.machines import Hit

MOST_WAITING = 20_000
CLICKS_WAIT = 1.2  # seconds
PAUSE_AWAY = 1.0
GRACE = 2.0  # seconds to write down what waits when we are to stop
MOST_REMEMBERED = 20_000  # recipients whose last clicks are known

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A hit that is still to be written, not before `due`."""

    due: float
    hit: Hit
    reader: Reader
    url: str


class Hits:
    """The hits of one process, written by one thread."""

    def __init__(self) -> None:
        self._opens: deque[Waiting] = deque()
        self._clicks: deque[Waiting] = deque()
        self._lately: OrderedDict[UUID, list[Waiting]] = OrderedDict()
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.dropped = 0

    def add(self, hit: Hit, reader: Reader, url: str) -> None:
        """Have it written down; returns at once."""
        clicked = hit.kind == "clicked"
        one = Waiting(monotonic() + (CLICKS_WAIT if clicked else 0.0), hit, reader, url)
        with self._lock:
            if len(self._opens) + len(self._clicks) >= MOST_WAITING:
                self.dropped += 1
                return
            if clicked:
                self._clicks.append(one)
                self._remember(one)
            else:
                self._opens.append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mail hits", daemon=True)
                self._thread.start()
            self._lock.notify()

    def stop(self) -> None:
        """Write what waits, for a while; then end."""
        with self._lock:
            self._stopping = True
            self._lock.notify()
        if self._thread is not None:
            self._thread.join(GRACE)

    def _remember(self, one: Waiting) -> None:
        known = self._lately.setdefault(one.reader.recipient_id, [])
        known.append(one)
        del known[:-20]
        self._lately.move_to_end(one.reader.recipient_id)
        while len(self._lately) > MOST_REMEMBERED:
            self._lately.popitem(last=False)

    def _run(self) -> None:
        connection: Connection | None = None
        while (one := self._next()) is not None:
            try:
                if connection is None or connection.closed:
                    connection = database.connect()
                self._write(connection, one)
            except database.Away:
                connection = None
                if not self._back(one):
                    return
            except psycopg.Error:
                log.exception("What came of a mail could not be written down")
        if connection is not None:
            connection.close()

    def _next(self) -> Waiting | None:
        """The next that is due; None when it is over."""
        with self._lock:
            while True:
                if self._opens:
                    return self._opens.popleft()
                rest = self._clicks[0].due - monotonic() if self._clicks else None
                if rest is not None and (rest <= 0 or self._stopping):
                    return self._clicks.popleft()
                if self._stopping:
                    return None
                self._lock.wait(rest)

    def _back(self, one: Waiting) -> bool:
        """Keep it until the database is there again; whether we go on."""
        with self._lock:
            (self._clicks if one.hit.kind == "clicked" else self._opens).appendleft(one)
            if not self._stopping:
                self._lock.wait(PAUSE_AWAY)
            return not self._stopping

    def _write(self, connection: Connection, one: Waiting) -> None:
        project_id, recipient_id = one.reader.project_id, one.reader.recipient_id
        with connection.transaction():
            recipient = feedback.find(connection, project_id, recipient_id)
            if recipient is None:
                return
            why = machines.machine(one.hit, recipient.sent_at)
            if why is None and one.hit.kind == "clicked" and self._followed_many(one):
                why = "followed many links at once"
            detail = {key: value for key, value in (("url", one.url), ("machine", why)) if value}
            said = Feedback(
                project_id,
                recipient_id,
                one.hit.kind,
                one.hit.at,
                detail=detail,
                machine=why is not None,
            )
            feedback.take(connection, said)

    def _followed_many(self, one: Waiting) -> bool:
        with self._lock:
            known = self._lately.get(one.reader.recipient_id, [])
            near = {
                other.url
                for other in known
                if abs(other.hit.at - one.hit.at) <= machines.MANY_WITHIN
            }
        return len(near) >= machines.MANY_LINKS
