"""A load generator that costs little: prepared bytes over raw sockets, answers counted.

Runs as a process of its own (`python -m tests.bench.load …`) and prints one JSON line. Every
request is answered before its connection sends the next; nothing is pipelined.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import uvloop

# ruff: noqa: E501
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
]  # fmt: skip
PATHS = ["/", "/shop", "/shop/guji-natural", "/cart", "/checkout", "/account", "/blog/grind-size"]


class Traffic:
    """Events of a population with a Zipf-like spread: a few people do much, most do little."""

    def __init__(self, people: int, prefix: str, seed: int) -> None:
        self._random = random.Random(seed)
        self._prefix = f"{prefix}-{seed}"
        self._number = 0
        self._pieces = [self._piece(n) for n in range(min(people, 20_000))]
        self._people = people
        ranks = range(1, len(self._pieces) + 1)
        self._picks = self._random.choices(
            self._pieces, weights=[1 / rank**0.7 for rank in ranks], k=200_000
        )
        self._at = 0

    def _piece(self, n: int) -> bytes:
        path = self._random.choice(PATHS)
        page = {
            "url": f"https://shop.example{path}",
            "path": path,
            "title": f"Shop {path}",
            "referrer": "https://search.example/",
        }
        event: dict[str, Any] = {
            "anonymousId": f"{self._prefix}-p{n}",
            "timestamp": "2026-11-23T12:00:00.000Z",
            "context": {
                "ip": f"{self._random.choice([81, 92, 145, 177, 203])}.{n % 200}.{n % 7}.{n % 251 + 1}",
                "userAgent": self._random.choice(AGENTS),
                "locale": "en-GB",
                "timezone": "Europe/London",
                "library": {"name": "bench", "version": "1"},
                "page": page,
            },
        }
        if n % 3 == 0:
            event["userId"] = f"{self._prefix}-u{n}"
        if n % 2:
            event |= {"type": "page", "properties": page}
        else:
            event |= {
                "type": "track",
                "event": "Product Viewed",
                "properties": {"sku": f"S-{n % 90}", "price": 12.5, "currency": "EUR"},
            }
        del event["timestamp"]
        return json.dumps(event)[:-1].encode()

    def event(self) -> bytes:
        """One event, with a message id of its own."""
        self._at = (self._at + 1) % len(self._picks)
        self._number += 1
        return b'%b,"messageId":"%b-%d"}' % (
            self._picks[self._at], self._prefix.encode(), self._number,
        )  # fmt: skip

    def batch(self, size: int) -> bytes:
        """A body of `size` events."""
        return b'{"batch":[' + b",".join([self.event() for _ in range(size)]) + b"]}"


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered."""

    def __init__(self, head: bytes, body: Callable[[], bytes], tally: Tally) -> None:
        self._head = head
        self._body = body
        self._tally = tally
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 : head.find(b"\r", at) if head.find(b"\r", at) > 0 else None])
        if len(rest) < length:
            return
        self._buffer = b""
        self._tally.answered(int(head[9:12]), time.perf_counter() - self._sent)
        if not self._tally.over():
            self._next()
        elif self._transport is not None:
            self._transport.close()

    def _next(self) -> None:
        body = self._body()
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(self._head % len(body) + body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.closed(exc)


class Tally:
    """What was answered, and how fast."""

    def __init__(self, seconds: float, warm_up: float, connections: int) -> None:
        now = time.perf_counter()
        self._from = now + warm_up
        self._until = self._from + seconds
        self._seconds = seconds
        self._open = connections
        self.times: list[float] = []
        self.other: dict[int, int] = {}
        self.done = asyncio.Event()

    def answered(self, status: int, took: float) -> None:
        if self._from <= time.perf_counter() < self._until:
            if status == 200:
                self.times.append(took)
            else:
                self.other[status] = self.other.get(status, 0) + 1

    def over(self) -> bool:
        return time.perf_counter() >= self._until

    def closed(self, _: Exception | None) -> None:
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
            "other": self.other,
        }


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    traffic = Traffic(arguments.people, arguments.prefix, arguments.seed)
    path = "/v1/b" if arguments.events > 1 or arguments.batch_path else "/v1/t"
    body = partial(traffic.batch, arguments.events) if path == "/v1/b" else traffic.event
    key = base64.b64encode(f"{arguments.key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {arguments.host}\r\nAuthorization: Basic {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    ).encode()
    tally = Tally(arguments.seconds, arguments.warm_up, arguments.connections)
    loop = asyncio.get_running_loop()
    host, _, port = arguments.host.partition(":")
    for _ in range(arguments.connections):
        await loop.create_connection(lambda: Connection(head, body, tally), host, int(port))
    await tally.done.wait()
    return tally.report(arguments.events)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--warm-up", type=float, default=2)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--prefix", default="b")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch-path", action="store_true")
    print(json.dumps(uvloop.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
