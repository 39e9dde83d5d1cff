"""Sends a realistic population through the real tracking API, as their browsers would have.

Nothing here knows the database: whoever may reach the API may run it. What is sent depends on the
seed, the number of people and `now` alone.
"""

import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, local
from urllib.parse import urlsplit

import msgspec

from regulars.demo import visits
from regulars.demo.lives import World, lives
from regulars.demo.personas import Kind

# Beneath what a batch may hold: 2,500 events and 500 KB.
BATCH_EVENTS = 1000
BATCH_BYTES = 400_000
PEOPLE_AT_ONCE = 25
THREADS = 3
TRIES = 30
LONGEST_WAIT = 10.0  # seconds
TIMEOUT = 60.0  # seconds


_LATER = frozenset({408, 429, 500, 502, 503, 504})


class RefusedError(Exception):
    """The tracking API will not take the population; the message says why."""


@dataclass
class Report:
    """What was sent and taken."""

    events: int = 0
    kinds: dict[Kind, int] = field(default_factory=lambda: {"user": 0, "lead": 0, "visitor": 0})

    @property
    def people(self) -> int:
        """How many people that was."""
        return sum(self.kinds.values())

    def add(self, other: "Report") -> None:
        """Count another part in."""
        self.events += other.events
        for kind, number in other.kinds.items():
            self.kinds[kind] += number


def run(
    people: int,
    base_url: str,
    write_key: str,
    progress: Callable[[int, int], None],
    *,
    now: datetime,
    seed: int | None = None,
) -> Report:
    """Sends `people` people with a year of visits each, and says what was taken.

    `progress` hears how many of how many are done. Without a `seed` every run makes other people.
    Raises RefusedError when the API refuses, or does not answer for a few minutes.
    """
    base_url = base_url.rstrip("/")
    world = World(int(now.timestamp()) if seed is None else seed, now, base_url)
    sender = _Sender(base_url, write_key)
    report = Report()
    parts = [
        range(start, min(start + PEOPLE_AT_ONCE, people))
        for start in range(0, people, PEOPLE_AT_ONCE)
    ]
    progress(0, people)
    with closing(sender), ThreadPoolExecutor(THREADS, thread_name_prefix="population") as pool:
        waiting = [pool.submit(_send_part, sender, part, world) for part in parts]
        try:
            for done in as_completed(waiting):
                report.add(done.result())
                progress(report.people, people)
        except BaseException:
            sender.give_up()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return report


def _send_part(sender: "_Sender", part: range, world: World) -> Report:
    report = Report()
    events: list[visits.Event] = []
    for somebody, life in lives(part, world):
        report.kinds[somebody.kind] += 1
        events += life
    for body, count in _batches(events, sender.write_key):
        sender.send(body)
        report.events += count
    return report


def _batches(events: list[visits.Event], write_key: str) -> Iterator[tuple[bytes, int]]:
    """Bodies of a size that the API takes, with the number of events in each."""
    head = b'{"writeKey":' + msgspec.json.encode(write_key) + b',"batch":['
    pieces: list[bytes] = []
    size = 0
    for event in events:
        piece = msgspec.json.encode(event)
        if pieces and (len(pieces) == BATCH_EVENTS or size + len(piece) > BATCH_BYTES):
            yield head + b",".join(pieces) + b"]}", len(pieces)
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece) + 1
    if pieces:
        yield head + b",".join(pieces) + b"]}", len(pieces)


class _Sender:
    """Connections to the tracking API, one a thread, kept open."""

    def __init__(self, base_url: str, write_key: str) -> None:
        url = urlsplit(base_url)
        secure = url.scheme == "https"
        self.write_key = write_key
        self._connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._host = url.hostname or "127.0.0.1"
        self._port = url.port or (443 if secure else 80)
        # The short path: these events stand for browsers, and open sessions.
        self._path = f"{url.path}/v1/b"
        self._mine = local()
        self._open: list[http.client.HTTPConnection] = []
        self._given_up = Event()

    def give_up(self) -> None:
        """Try nothing again: somebody wants to stop."""
        self._given_up.set()

    def close(self) -> None:
        """Close the connections, once no thread sends any more."""
        for connection in self._open:
            connection.close()

    def send(self, body: bytes) -> None:
        """Until it is taken. A repeated batch keeps its message ids, so it counts once."""
        wait = 0.25
        trouble = ""
        for _ in range(TRIES):
            try:
                status, retry_after, answer = self._post(body)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                trouble = f"no answer from {self._host}:{self._port} ({error})"
                pause = wait
            else:
                if status == http.HTTPStatus.OK:
                    return
                trouble = f"{status} {answer[:200].decode('utf-8', 'replace')}"
                if status not in _LATER:
                    raise RefusedError(f"the tracking API answered {trouble}")
                pause = retry_after or wait
            if self._given_up.wait(min(pause, LONGEST_WAIT)):
                break
            wait *= 2
        raise RefusedError(f"the tracking API did not take a batch: {trouble}")

    def _post(self, body: bytes) -> tuple[int, float, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._connect(self._host, self._port, timeout=TIMEOUT)
            self._mine.connection = connection
            self._open.append(connection)
        connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, _seconds(answer.headers.get("Retry-After")), text

    def _drop(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is not None:
            connection.close()  # it opens again by itself


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 0.0
