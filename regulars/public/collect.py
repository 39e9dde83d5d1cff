"""The tracking API: Segment's calls, answered once what they say is on disk.

Raw ASGI without Django, since thousands of these come in a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from regulars.kit.database import Away
from regulars.public import http
from regulars.public.http import Receive, Scope, Send
from regulars.public.projects import Projects
from regulars.tracking.commit import Arrival
from regulars.tracking.enrich.geo import GeoDatabase
from regulars.tracking.intake import AwayError, Intake, OverloadedError
from regulars.tracking.pipeline import parse, steps
from regulars.tracking.pipeline.drops import QUIET, Drop
from regulars.tracking.pipeline.message import Envelope
from regulars.tracking.pipeline.parse import BodyError, NeedsCareError, Piece
from regulars.tracking.pipeline.steps import Event, Request
from regulars.tracking.refusals import Refused
from regulars.workspaces.keys import ProjectConfig

# What each path says of its body: the type of its one message, or a batch.
LONG = {f"/v1/{kind}": kind for kind in ("identify", "track", "page", "screen", "group", "alias")}
SHORT = {f"/v1/{kind[0]}": kind for kind in ("identify", "track", "page", "group", "alias")}
SHORT["/v1/s"] = "screen"
BATCHES = {"/v1/batch": False, "/v1/b": True}
SUCCESS = b'{"success":true}'
MOST_ODD_BODIES = 64  # that wait to be read with care


class Collect:
    """The door that events come in by."""

    def __init__(
        self, intake: Intake, projects: Projects, geo: GeoDatabase, now: Callable[[], datetime]
    ) -> None:
        self._intake = intake
        self._projects = projects
        self._geo = geo
        self._now = now
        self._careful = asyncio.Semaphore(1)
        self._odd_bodies = 0

    def opens(self, path: str) -> bool:
        """Whether the path is one of the tracking API's."""
        return path in LONG or path in SHORT or path in BATCHES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        if method == "OPTIONS":
            await http.answer(send, 204, b"", http.PREFLIGHT)
        elif method != "POST":
            await http.refuse(send, 405, "method_not_allowed", "Send events with POST.")
        else:
            await self._collect(scope, receive, send)

    async def _collect(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = parse.open_body(await http.read_body(receive, parse.MAX_BODY))
            envelope, pieces = await self._read(scope["path"], body)
        except http.GoneError:
            return
        except http.BodyTooLargeError:
            limit = f"A request may hold {parse.MAX_BODY // 1024} KB."
            await http.refuse(send, 400, "too_large", limit)
            return
        except BodyError as error:
            await http.refuse(send, 400, error.code, str(error))
            return
        except OverloadedError:
            await self._overloaded(send)
            return
        try:
            await self._take(scope, send, envelope, pieces)
        except OverloadedError:
            await self._overloaded(send)
        except (AwayError, *Away, TimeoutError):
            message = "The database is away: nothing was stored, try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=1)

    @staticmethod
    async def _overloaded(send: Send) -> None:
        await http.refuse(send, 429, "overloaded", "Too much at once: try again.", retry_after=1)

    async def _read(self, path: str, body: bytes) -> tuple[Envelope, list[Piece]]:
        try:
            return _read(path, body, care=False)
        except NeedsCareError:
            pass
        # Reading odd bodies is slow. One at a time, beside the event loop, so that whoever sends
        # nothing else can't stop the others.
        if self._odd_bodies >= MOST_ODD_BODIES:
            raise OverloadedError
        self._odd_bodies += 1
        try:
            async with self._careful:
                return await asyncio.to_thread(_read, path, body, care=True)
        finally:
            self._odd_bodies -= 1

    async def _take(
        self, scope: Scope, send: Send, envelope: Envelope, pieces: list[Piece]
    ) -> None:
        if not self._intake.serves:
            raise AwayError
        project, trusted = await self._project(scope, envelope)
        if project is None:
            await http.refuse(send, 401, "unknown_key", "No project has this write key.")
            return
        request = self._request(scope, envelope, project, trusted=trusted)
        arrival = arrival_of(project, request, pieces, self._geo)
        await self._intake.commit(arrival)
        if scope["path"] not in BATCHES and pieces:
            refused = refusal_of(arrival)
            if refused is not None:
                await http.refuse(send, 400, refused.reason, refused.detail, field=refused.field)
                return
        await http.answer(send, 200, SUCCESS, [http.JSON, *http.CORS])
        if not project.identity_used and not trusted and any(e.verified for e in arrival.events):
            await self._projects.note_identity_used(project, request.received_at)

    async def _project(self, scope: Scope, envelope: Envelope) -> tuple[ProjectConfig | None, bool]:
        """The project of the request's key, and whether it is the secret one."""
        given = http.basic(http.header(scope, b"authorization"))
        key = given[0] if given is not None else envelope.write_key
        if not key or len(key) > steps.MAX_ID:
            return None, False
        if given is not None and key.startswith("sk_"):
            return await self._projects.by_secret_key(key), True
        return await self._projects.by_write_key(key), False

    def _request(
        self, scope: Scope, envelope: Envelope, project: ProjectConfig, *, trusted: bool
    ) -> Request:
        path = scope["path"]
        origin = http.header(scope, b"origin") is not None
        return Request(
            received_at=self._now(),
            ip=http.client_ip(scope),
            user_agent=http.header(scope, b"user-agent"),
            browser_call=origin or path in SHORT or BATCHES.get(path, False),
            trusted=trusted,
            gpc=http.header(scope, b"sec-gpc") == "1",
            honour_gpc=project.honour_gpc,
            enforce_identity=project.enforce_identity,
            identity_secret=project.identity_secret,
            sent_at=steps.instant(envelope.sent_at) if envelope.sent_at else None,
            shared=envelope.context,
        )


def arrival_of(
    project: ProjectConfig, request: Request, pieces: Iterable[Piece], geo: GeoDatabase | None
) -> Arrival:
    """What came of a request's messages: events to commit, and what was refused with reasons."""
    arrival = Arrival(project, [])
    for piece in pieces:
        outcome: Event | Drop
        outcome = piece.drop if piece.drop is not None else steps.run(piece.message, request)
        if isinstance(outcome, Event):
            if geo is not None:
                steps.locate(outcome, geo)
            arrival.events.append(outcome)
            arrival.refused += [
                Refused("trait_left_out", n.field, n.detail, _shown(piece), refused=False)
                for n in piece.notices
            ]
        elif outcome.reason in QUIET:
            arrival.quiet[outcome.reason.value] += 1
        else:
            arrival.refused.append(
                Refused(outcome.reason.value, outcome.field, outcome.detail, _shown(piece))
            )
    return arrival


def refusal_of(arrival: Arrival) -> Refused | None:
    """The first event of a committed request that was not kept, unless that is as it should be."""
    for refused in arrival.refused:
        if refused.refused:
            return refused
    for outcome in arrival.outcomes:
        if outcome is not None and outcome.reason not in QUIET:
            return Refused(outcome.reason.value, outcome.field, outcome.detail, "")
    return None


def _read(path: str, body: bytes, *, care: bool) -> tuple[Envelope, list[Piece]]:
    if path in BATCHES:
        return parse.read_batch(body, care=care)
    envelope, piece = parse.read_single(body, care=care)
    if piece.drop is None:
        piece.message.type = LONG.get(path) or SHORT[path]
    return envelope, [piece]


def _shown(piece: Piece) -> str:
    return piece.raw[:1000].decode("utf-8", "replace")
