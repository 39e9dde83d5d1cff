"""Interakt's own calls, so that what a company wrote for Interakt keeps working.

Members are registered users, leads are not; both become identify calls that carry the secret key,
and are on disk before the answer. Raw ASGI beside the tracking API, whose pipeline they go through.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from regulars.kit.database import Away
from regulars.public import http
from regulars.public.collect import arrival_of, refusal_of
from regulars.public.http import Receive, Scope, Send
from regulars.public.projects import Projects
from regulars.tracking.commit import Arrival
from regulars.tracking.intake import AwayError, Intake, OverloadedError
from regulars.tracking.pipeline import parse
from regulars.tracking.pipeline.drops import QUIET, Drop, DropReason, Notice
from regulars.tracking.pipeline.message import Message
from regulars.tracking.pipeline.parse import BodyError, Piece
from regulars.tracking.pipeline.steps import Request
from regulars.workspaces.keys import ProjectConfig

MEMBERS = "/api/v1/members"
LEADS = "/api/v1/leads"
IMPORT = "/api/v1/members/import_data"

MOST_MEMBERS = 100  # in one import
DEEPEST = 20  # levels of a nested attribute
LONGEST_NUMBER = 300  # digits
MOST_KEY = 255  # characters of an Idempotency-Key
FORM = "application/x-www-form-urlencoded"


# What the pipeline calls the fields that this door renames.
NAMES = {"userId": "user_id", "traits.email": "email"}


# Headers that go with a status.
EXPLAINED: dict[int, http.Headers] = {
    401: [(b"www-authenticate", b'Basic realm="Regulars"')],
    405: [(b"allow", b"POST, OPTIONS")],
    429: [(b"retry-after", b"1")],
    503: [(b"retry-after", b"1")],
}


class CallError(Exception):
    """The call is refused; `field` names what it lies in."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field


class Interakt:
    """The door for Interakt's calls."""

    def __init__(self, intake: Intake, projects: Projects, now: Callable[[], datetime]) -> None:
        self._intake = intake
        self._projects = projects
        self._now = now

    def opens(self, path: str) -> bool:
        """Whether the path is one of Interakt's."""
        return path in (MEMBERS, LEADS, IMPORT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: `{"status": "success"}` or `{"status": "failure"}` and why."""
        if scope["method"] == "OPTIONS":
            await http.answer(send, 204, b"", [(b"allow", b"POST, OPTIONS")])
            return
        try:
            await self._take(scope, receive, send)
        except http.GoneError:
            return
        except http.BodyTooLargeError:
            message = f"A request may hold {parse.MAX_BODY // 1024} KB."
            await _fail(send, CallError(400, "too_large", message))
        except BodyError as error:
            await _fail(send, CallError(400, error.code, str(error)))
        except CallError as error:
            await _fail(send, error)
        except OverloadedError:
            await _fail(send, CallError(429, "overloaded", "Too much at once: try again."))
        except (AwayError, *Away, TimeoutError):
            message = "The database is away: nothing was stored, try again."
            await _fail(send, CallError(503, "unavailable", message))

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["method"] != "POST":
            raise CallError(405, "method_not_allowed", "Send people with POST.")
        body = parse.open_body(await http.read_body(receive, parse.MAX_BODY))
        if not self._intake.serves:
            raise AwayError
        project = await self._project(scope)
        # Reading odd bodies is slow: away from the event loop.
        pieces = await asyncio.to_thread(
            _read, path, body, http.header(scope, b"content-type"), _message_ids(scope)
        )
        request = Request(
            received_at=self._now(), trusted=True, imported=True, registered=path != LEADS
        )
        arrival = arrival_of(project, request, pieces, None)
        await self._intake.commit(arrival)
        refused = refusal_of(arrival)
        if refused is None or refused.reason == DropReason.LEAD_WITHOUT_EMAIL:
            # A lead without an address is no failure: Interakt took it, and kept nothing.
            await _succeed(send)
            return
        left_out = _how_many_refused(arrival)
        if left_out == len(pieces):
            field = NAMES.get(refused.field or "", refused.field)
            raise CallError(400, refused.reason, refused.detail, field)
        await _succeed(send, refused=left_out)

    async def _project(self, scope: Scope) -> ProjectConfig:
        given = http.basic(http.header(scope, b"authorization"))
        message = "Expected HTTP Basic with the project's id and its secret key."
        if given is None:
            raise CallError(401, "unknown_key", message)
        app_id, api_key = given
        try:
            project_id = UUID(app_id)
        except ValueError:
            raise CallError(401, "unknown_key", message) from None
        project = await self._projects.by_secret_key(api_key, project_id)
        if project is None:
            raise CallError(401, "unknown_key", message)
        return project


def _read(
    path: str, body: bytes, content_type: str | None, message_id: Callable[[int], str | None]
) -> list[Piece]:
    """The call's people as identify messages. Raises BodyError and CallError."""
    given = read_body(body, content_type)
    return _pieces(_members_of(given) if path == IMPORT else [given], path, message_id)


def read_body(body: bytes, content_type: str | None) -> Any:
    """What the body says: JSON, or a form as old clients send it. Raises BodyError."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == FORM and body.lstrip()[:1] not in (b"{", b"["):
        try:
            form: dict[str, Any] = dict(parse_qsl(body.decode(), strict_parsing=bool(body)))
        except ValueError as error:
            raise BodyError("not_a_form", "The body is not a valid form.") from error
        if "members" in form:
            form["members"] = _read_json(form["members"])
        return form
    return _read_json(body.decode())


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise BodyError("not_json", "The body is not valid JSON.") from error


def _refuse(name: str) -> float:
    raise ValueError(name)


def _whole(digits: str) -> float:
    """A whole number, or infinity for one that nothing could store."""
    return int(digits) if len(digits) <= LONGEST_NUMBER else math.inf


def _members_of(given: Any) -> list[Any]:
    members = given.get("members") if isinstance(given, dict) else None
    if not isinstance(members, list):
        raise CallError(400, "wrong_type", "Expected a list of members.", "members")
    if len(members) > MOST_MEMBERS:
        message = f"At most {MOST_MEMBERS} members at once; these are {len(members):,}."
        raise CallError(400, "too_many", message, "members")
    return members


def _message_ids(scope: Scope) -> Callable[[int], str | None]:
    """With an Idempotency-Key, what each person's message is remembered by: a retry is one."""
    key = http.header(scope, b"idempotency-key")
    if key is None:
        return lambda _: None
    if not 0 < len(key) <= MOST_KEY:
        message = f"Expected 1 to {MOST_KEY} characters."
        raise CallError(400, "invalid", message, "Idempotency-Key")
    digest = hashlib.sha256(f"{scope['path']}\n{key}".encode()).hexdigest()
    return lambda number: f"interakt-{digest}-{number}"


def _pieces(people: list[Any], path: str, message_id: Callable[[int], str | None]) -> list[Piece]:
    """Each person as an identify call, read by the tracking API's own parser."""
    faults: dict[int, Drop] = {}
    notices: dict[int, list[Notice]] = {}
    messages: list[dict[str, Any]] = []
    for number, person in enumerate(people):
        fault = _fault_of(person, path)
        if fault is not None:
            faults[number] = fault
        traits, notices[number] = _traits_of(person if fault is None else {})
        user_id = traits.pop("user_id", None)
        messages.append(
            {
                "type": "identify",
                "userId": user_id or None,
                "messageId": message_id(number),
                "traits": traits,
            }
        )
    # Half characters are left escaped, for the parser to find and leave out with a warning.
    _, pieces = parse.read_batch(json.dumps({"batch": messages}).encode(), care=True)
    return [
        Piece(_shown(people[number]), Message(), faults[number])
        if number in faults
        else piece._replace(notices=(*piece.notices, *notices[number]))
        for number, piece in enumerate(pieces)
    ]


def _fault_of(person: Any, path: str) -> Drop | None:
    """Why nobody can be known by this, or None."""
    if not isinstance(person, dict):
        return Drop(DropReason.NOT_AN_EVENT, "Expected an object.")
    email = person.get("email")
    if isinstance(email, str) and email.strip():
        return None
    if path == LEADS:
        return Drop(DropReason.LEAD_WITHOUT_EMAIL, "A lead needs an email.", "traits.email")
    if person.get("user_id") in (None, ""):
        return Drop(DropReason.NOBODY, "A member needs an email or a user_id.", "traits.email")
    return None


def _traits_of(person: Mapping[str, Any]) -> tuple[dict[str, Any], list[Notice]]:
    """The person's attributes, less what can't be kept, which is named."""
    traits: dict[str, Any] = {}
    notices: list[Notice] = []
    for key, value in person.items():
        problem = _unusable(value)
        if problem is None:
            traits[key] = value
        else:
            name = key.encode("utf-8", "replace").decode().replace("\x00", "")
            notices.append(Notice(f"traits.{name[:100]}", problem))
    company = traits.get("company")
    if isinstance(company, dict) and "id" not in company:
        traits["company"] = {**company, "id": company["unique_id"]}
        del traits["company"]["unique_id"]
    return traits, notices


def _unusable(value: Any) -> str | None:
    """Why an attribute is left out: what nests names itself by a `unique_id`."""
    stack = [(value, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > DEEPEST:
            return "nested too deeply"
        if isinstance(node, dict):
            if node.get("unique_id") in (None, ""):
                return "a nested object needs a unique_id"
            stack.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            stack.extend((child, depth + 1) for child in node)
        elif isinstance(node, float) and not math.isfinite(node):
            return "a number out of range"
    return None


def _how_many_refused(arrival: Arrival) -> int:
    drops = [outcome for outcome in arrival.outcomes if outcome and outcome.reason not in QUIET]
    return sum(one.refused for one in arrival.refused) + len(drops)


def _shown(person: Any) -> bytes:
    """Enough of the person to recognise them on the Tracking page."""
    if not isinstance(person, dict):
        return b""
    flat = {key: value for key, value in person.items() if isinstance(value, (str, int))}
    return json.dumps(flat)[:1000].encode()


async def _succeed(send: Send, *, refused: int = 0) -> None:
    body: dict[str, Any] = {"status": "success"}
    if refused:
        body["refused"] = refused  # the Tracking page says who and why
    await http.answer(send, 200, msgspec.json.encode(body), [http.JSON])


async def _fail(send: Send, error: CallError) -> None:
    body: dict[str, Any] = {"status": "failure", "code": error.code, "message": str(error)}
    if error.field is not None:
        body["field"] = error.field
    headers = [http.JSON, *EXPLAINED.get(error.status, ())]
    await http.answer(send, error.status, msgspec.json.encode(body), headers)
