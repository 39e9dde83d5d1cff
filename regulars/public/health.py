"""Is it up, does it serve, and what is it doing: for monitors, not for people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from regulars.kit import database
from regulars.public import http
from regulars.public.http import Scope, Send
from regulars.tracking.intake import Intake

WORKER_SILENCE = timedelta(seconds=30)
HEARTBEAT = "SELECT max(at) FROM worker_heartbeat"

Check = Callable[[], list[str]]


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, intake: Intake, now: Callable[[], datetime], pending: Check) -> None:
        self._intake = intake
        self._now = now
        self._pending = pending

    def opens(self, path: str) -> bool:
        """Whether the path is one of these three."""
        return path in ("/healthz", "/readyz", "/metrics")

    async def __call__(self, scope: Scope, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Ask with GET.")
        elif scope["path"] == "/healthz":
            await self.healthz(send)
        elif scope["path"] == "/readyz":
            await self.readyz(send)
        else:
            await self.metrics(send)

    async def healthz(self, send: Send) -> None:
        """The process is up."""
        await http.answer_json(send, 200, {"status": "up"})

    async def readyz(self, send: Send) -> None:
        """200 only when database, migrations and worker all serve."""
        report = await asyncio.to_thread(self._report)
        ready = all(part == "ok" for part in report.values())
        await http.answer_json(send, 200 if ready else 503, {"ready": ready, **report})

    async def metrics(self, send: Send) -> None:
        """Prometheus' text format."""
        lines = [
            "# HELP regulars_events_committed_total Events written by this process.",
            "# TYPE regulars_events_committed_total counter",
            f"regulars_events_committed_total {self._intake.committed_events}",
            "# HELP regulars_commits_total Transactions that wrote events.",
            "# TYPE regulars_commits_total counter",
            f"regulars_commits_total {self._intake.committed_batches}",
            "# HELP regulars_events_waiting Events that wait for their commit.",
            "# TYPE regulars_events_waiting gauge",
            f"regulars_events_waiting {self._intake.waiting_events}",
            "# HELP regulars_database_up Whether the database was there when last tried.",
            "# TYPE regulars_database_up gauge",
            f"regulars_database_up {int(self._intake.serves)}",
        ]
        body = ("\n".join(lines) + "\n").encode()
        await http.answer(send, 200, body, [(b"content-type", b"text/plain; version=0.0.4")])

    def _report(self) -> dict[str, Any]:
        try:
            with database.pool().connection(timeout=1) as connection:
                pending = self._pending()
                row = connection.execute(HEARTBEAT).fetchone()
        except (*database.Away, TimeoutError):
            return {"database": "away", "migrations": "unknown", "worker": "unknown"}
        except database.Undefined:
            return {"database": "ok", "migrations": "missing", "worker": "unknown"}
        beat = row[0] if row else None
        alive = beat is not None and self._now() - beat < WORKER_SILENCE
        return {
            "database": "ok",
            "migrations": "ok" if not pending else f"missing: {', '.join(pending)}",
            "worker": "ok" if alive else "silent",
        }
