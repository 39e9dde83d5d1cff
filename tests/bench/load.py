"""A load generator that costs little: prepared bytes over raw sockets, answers counted.

Runs as a process of its own (`python -m tests.bench.load …`) and prints one JSON line. Every
request is answered before its connection sends the next; nothing is pipelined. With `--rate` a
connection also waits for its turn, and time counts from the turn, so that whoever is late shows.
What is measured is people coming back, with a share of newcomers.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import random
import signal
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import uvloop

AGENTS = [
    f"Mozilla/5.0 ({system}) {engine}"
    for system, engine in (
        (
            "Windows NT 10.0; Win64; x64",
            "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        ),
        ("X11; Linux x86_64; rv:145.0", "Gecko/20100101 Firefox/145.0"),
        (
            "Macintosh; Intel Mac OS X 10_15_7",
            "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
        ),
        (
            "Linux; Android 14; Pixel 8",
            "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        ),
    )
]
PATHS = ("/", "/shop", "/shop/guji-natural", "/cart", "/checkout", "/account", "/blog/grind-size")
NETWORKS = (81, 92, 145, 177, 203)
NEWCOMERS = 0.02  # of the events: somebody never seen before
IDENTIFIES = 0.04
PAGES = 0.55  # the rest are tracks
PICKS = 200_000

# Whom an event names: ("user", user id) or ("anonymous", anonymous id).
Who = tuple[str, str]


class Piece(NamedTuple):
    """An event but for its message id, and the path it takes when it goes alone."""

    body: bytes
    path: bytes


class Traffic:
    """Events of a population with a Zipf-like spread: a few people do much, most do little."""

    def __init__(self, people: list[Who], prefix: str, seed: int, *, greet: bool) -> None:
        self._random = random.Random(seed)
        self._prefix = f"{prefix}-{seed}"
        self._numbers = itertools.count()
        self._pieces = [self._piece(who) for who in people]
        weights = [1 / rank**0.7 for rank in range(1, len(people) + 1)]
        picks = self._random.choices(self._pieces, weights=weights, k=PICKS)
        fresh = int(PICKS * NEWCOMERS)
        newcomers = [self._piece(("anonymous", f"{self._prefix}-n{n}")) for n in range(fresh)]
        for newcomer in newcomers:
            picks[self._random.randrange(PICKS)] = newcomer
        self._next = itertools.chain(self._pieces if greet else (), itertools.cycle(picks))

    def everybody(self) -> int:
        """How many events it takes until everybody has come once."""
        return len(self._pieces)

    def _piece(self, who: Who) -> Piece:
        chance = self._random
        path = chance.choice(PATHS)
        page = {
            "url": f"https://shop.example{path}",
            "path": path,
            "title": f"Shop {path}",
            "referrer": "https://search.example/",
        }
        number = zlib.crc32(who[1].encode())
        event: dict[str, Any] = {
            "anonymousId": who[1] if who[0] == "anonymous" else f"{who[1]}-browser",
            "context": {
                "ip": f"{NETWORKS[number % 5]}.{number % 200}.{number % 7}.{number % 251 + 1}",
                "userAgent": AGENTS[number % len(AGENTS)],
                "locale": "en-GB",
                "timezone": "Europe/London",
                "library": {"name": "bench", "version": "1"},
                "page": page,
            },
        }
        if who[0] == "user":
            event["userId"] = who[1]
        kind = self._kind(who)
        if kind == "page":
            event |= {"type": kind, "properties": page}
        elif kind == "identify":
            traits = {"email": f"{who[1]}@example.com", "plan": "pro", "seats": number % 9}
            event |= {"type": kind, "traits": traits}
        else:
            bought = {"sku": f"S-{number % 90}", "price": 12.5, "currency": "EUR"}
            event |= {"type": kind, "event": "Product Viewed", "properties": bought}
        return Piece(json.dumps(event)[:-1].encode(), f"/v1/{kind[0]}".encode())

    def _kind(self, who: Who) -> str:
        chance = self._random.random()
        if chance < PAGES:
            return "page"
        return "identify" if chance > 1 - IDENTIFIES and who[0] == "user" else "track"

    def event(self) -> Piece:
        """One event, with a message id of its own."""
        body, path = next(self._next)
        number = next(self._numbers)
        message_id = b"%b-%d" % (self._prefix.encode(), number)
        return Piece(b'%b,"messageId":"%b"}' % (body, message_id), path)

    def batch(self, size: int) -> Piece:
        """A body of `size` events."""
        events = b",".join([self.event().body for _ in range(size)])
        return Piece(b'{"batch":[%b]}' % events, b"/v1/b")


class Tally:
    """What was answered, and how fast."""

    def __init__(self, seconds: float, first: int, connections: int) -> None:
        self._seconds = seconds
        self._left = first  # requests before the clock starts
        self._open = connections
        self._from = self._until = float("inf")
        self.times: list[float] = []
        self.answers: Counter[int] = Counter()
        self.done = asyncio.Event()

    def answered(self, status: int, took: float) -> None:
        now = time.perf_counter()
        self._left -= 1
        if self._left == 0:
            self._from, self._until = now, now + self._seconds
        self.answers[status] += 1
        if status == 200 and self._from < now < self._until:
            self.times.append(took)

    def over(self) -> bool:
        return time.perf_counter() >= self._until

    def stop(self) -> None:
        """End now: what was measured until here is what there is."""
        now = time.perf_counter()
        self._seconds, self._until = max(0.001, now - self._from), now

    def closed(self) -> None:
        self._open -= 1
        if self._open == 0:
            self.done.set()

    def report(self, events_each: int) -> dict[str, Any]:
        times = sorted(self.times) or [0.0]
        return {
            "requests_per_s": len(self.times) / self._seconds,
            "events_per_s": len(self.times) * events_each / self._seconds,
            "p50_ms": times[len(times) // 2] * 1000,
            "p99_ms": times[int(len(times) * 0.99)] * 1000,
            "answered": self.answers[200] * events_each,
            "other": {status: n for status, n in self.answers.items() if status != 200},
        }


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered."""

    def __init__(
        self, head: bytes, requests: Iterator[Piece], tally: Tally, pause: float = 0.0
    ) -> None:
        self._pause = pause  # seconds from one turn to the next; 0: whenever the last is answered
        self._turn = time.perf_counter() + random.random() * pause
        self._head = head
        self._requests = requests
        self._tally = tally
        self._transport: asyncio.Transport
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(rest) < _length(head):
            return
        self._buffer = b""
        self._tally.answered(int(head[9:12]), time.perf_counter() - self._sent)
        if self._tally.over():
            self._transport.close()
        elif self._pause:
            self._turn += self._pause
            wait = max(0.0, self._turn - time.perf_counter())
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def _send(self) -> None:
        body, path = next(self._requests)
        self._sent = self._turn if self._pause else time.perf_counter()
        self._transport.write(self._head % (path, len(body)) + body)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._tally.closed()


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:") + len(b"content-length:")
    end = head.find(b"\r", at)
    return int(head[at : end if end > 0 else None])


def read_people(file: Path) -> list[Who]:
    """Who comes back, as `[[kind, id], …]` in a file."""
    return [(kind, value) for kind, value in json.loads(file.read_bytes())]


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    people = read_people(arguments.people)
    traffic = Traffic(people, arguments.prefix, arguments.seed, greet=arguments.greet)
    size = arguments.events
    requests = (traffic.batch(size) if size > 1 else traffic.event() for _ in itertools.count())
    key = base64.b64encode(f"{arguments.key}:".encode()).decode()
    head = (
        f"POST %b HTTP/1.1\r\nHost: {arguments.host}\r\n"
        f"Authorization: Basic {key}\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n"
    ).encode()
    first = traffic.everybody() // size if arguments.greet else 10 * arguments.connections
    pause = arguments.connections * size / arguments.rate if arguments.rate else 0.0
    tally = Tally(arguments.seconds, first, arguments.connections)
    loop = asyncio.get_running_loop()
    host, _, port = arguments.host.partition(":")
    for _ in range(arguments.connections):
        await loop.create_connection(
            lambda: Connection(head, requests, tally, pause), host, int(port)
        )
    loop.add_signal_handler(signal.SIGTERM, tally.stop)
    await tally.done.wait()
    return tally.report(size)


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--host", required=True)
    options.add_argument("--key", required=True)
    options.add_argument("--people", type=Path, required=True, help="JSON: [[kind, id], …]")
    options.add_argument("--greet", action="store_true", help="let everybody come once first")
    options.add_argument("--events", type=int, default=100, help="events a request")
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--seconds", type=float, default=8)
    options.add_argument("--rate", type=float, default=0, help="events a second in all; 0: any")
    options.add_argument("--prefix", default="b")
    options.add_argument("--seed", type=int, default=1)
    sys.stdout.write(json.dumps(uvloop.run(run(options.parse_args()))) + "\n")


if __name__ == "__main__":
    main()
