"""Messages from one socket to another, and what a socket that waits costs.

    python -m tests.bench.messages

Starts an installation of its own and, beside it, a bare echo on the same server; by turns 500
sockets wait on each while 50 talk. docs/reference/benchmarks.md says what each figure means.
`REGULARS_BENCH_SECONDS` is how long each measurement lasts.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import uvloop

from regulars.config.data_folder import DataFolder
from regulars.config.installation import set_up_django
from regulars.kit import clock
from tests.bench import lines, tables
from tests.bench.lines import Found, Talk
from tests.running import Running, running

SECONDS = float(os.environ.get("REGULARS_BENCH_SECONDS", "6"))
PROCESSES = 2
ROUNDS = 3
IDLE = 500
BUSY = 50  # of the product's: two agents, and visitors of two tabs
AGENTS = 2
WARM_UP = 100
SETTLING = 2.0  # seconds until what opening took is given back
ECHO = "the same server, echoing"
PASSWORD = "a sentence is easiest to keep"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect to, and whose memory it takes."""

    url: str
    pids: list[int]
    key: str | None = None
    inbox: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Measure and print."""
    started = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-bench")))
        settings = {"REGULARS_WEB_PROCESSES": str(PROCESSES)}
        installation = stack.enter_context(running(folder / "data", settings=settings))
        with tables.working("visitors who have been here before"):
            product = _product(installation)
        echo = stack.enter_context(_echo())
        tables.machine(PROCESSES, SECONDS, ROUNDS)
        costs, rounds = uvloop.run(_measure(product, echo))
    tables.messages(_middle(rounds), costs, idle=IDLE, busy=BUSY, echo=ECHO)
    tables.end(time.monotonic() - started)


async def _measure(product: Place, echo: Place) -> tuple[dict[str, float], list[Found]]:
    """Bytes of a waiting connection by whose it is, and what each round heard."""
    costs: dict[str, float] = {}
    rounds: list[Found] = []
    async with lines.idle(product.url, WARM_UP, product.key), lines.idle(echo.url, WARM_UP, None):
        pass
    before = {}
    for name, place in (("product", product), (ECHO, echo)):
        await asyncio.sleep(SETTLING)
        before[name] = private_bytes(place.pids)
        async with lines.idle(place.url, IDLE, place.key):
            await asyncio.sleep(SETTLING)
            costs[name] = (private_bytes(place.pids) - before[name]) / IDLE
            if name == "product":
                for number in range(ROUNDS):
                    with tables.working(f"round {number + 1} of {ROUNDS}"):
                        rounds.append(await _round(product, echo))
    return costs, rounds


async def _round(product: Place, echo: Place) -> Found:
    """Both by turns; the echo has as many waiting beside it."""
    pairs = (BUSY - AGENTS) // 2
    assert product.key is not None
    talk = Talk(product.url, product.key)
    found = await talk.run(product.inbox, product.headers, pairs, AGENTS, SECONDS)
    async with lines.idle(echo.url, IDLE, None):
        heard = await lines.echoes(echo.url, BUSY, SECONDS)
    found.heard[ECHO] = heard.heard["itself"]
    return found


def _middle(rounds: list[Found]) -> dict[str, dict[str, float]]:
    """By who heard it: p50, p99 and the longest, in ms, each the middle of the rounds."""
    found: dict[str, dict[str, float]] = {}
    for by in rounds[0].heard:
        sorted_rounds = [sorted(each.heard[by]) for each in rounds]
        found[by] = {
            "p50": median(each[len(each) // 2] for each in sorted_rounds),
            "p99": median(each[int(len(each) * 0.99)] for each in sorted_rounds),
            "longest": max(each[-1] for each in sorted_rounds),
            "messages": sum(len(each) for each in sorted_rounds),
        }
    return found


def private_bytes(pids: list[int]) -> int:
    """The memory that these processes share with nobody."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
        kilobytes = re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", rollup, re.MULTILINE)
        total += 1024 * sum(int(each) for each in kilobytes)
    return total


def _product(installation: Running) -> Place:
    """A project, an agent who is signed in to it, and visitors who have been tracked."""
    state = DataFolder(installation.data).read()
    assert state is not None
    assert state.dsn is not None
    os.environ |= {"DATABASE_URL": state.dsn, "REGULARS_DATA": str(installation.data)}
    set_up_django()
    from django.conf import settings
    from django.test import Client

    from regulars.workspaces import projects
    from regulars.workspaces.models import Agent

    made = projects.create_project("Benchmark", now=clock.now())
    agent_id = projects.create_agent(
        made.project_id, "alice@example.com", PASSWORD, "agent", now=clock.now()
    )
    client = Client()
    client.force_login(
        Agent.objects.get(id=agent_id), backend="regulars.workspaces.authentication.PasswordBackend"
    )
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    _track(installation.url, made.write_key)
    where = installation.url.replace("http", "ws", 1)
    return Place(
        url=f"{where}/messenger/socket",
        pids=state.processes["web"],
        key=made.write_key,
        inbox=f"{where}/p/{made.project_id}/inbox/socket",
        headers={
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}",
            "Origin": installation.url,
        },
    )


def _track(url: str, key: str) -> None:
    """Those who will wait have all looked at a page."""
    given = {"Authorization": f"Basic {b64encode(f'{key}:'.encode()).decode()}"}
    for start in range(0, IDLE, 100):
        batch = [
            {"type": "page", "anonymousId": f"idle-{number}", "messageId": f"page-{number}"}
            for number in range(start, start + 100)
        ]
        httpx.post(f"{url}/v1/batch", json={"batch": batch}, headers=given).raise_for_status()


@contextmanager
def _echo() -> Iterator[Place]:
    """As many processes as the product's, on one socket."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        fd = listener.fileno()
        command = [sys.executable, "-m", "tests.bench.echo", "--fd", str(fd)]
        processes = [subprocess.Popen(command, pass_fds=[fd]) for _ in range(PROCESSES)]
        try:
            url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
            yield Place(url, [process.pid for process in processes])
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(10)


if __name__ == "__main__":
    main()
