"""Doors that other systems push to: mail that somebody else's server took in for a project."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from regulars.inbox import from_email, hook
from regulars.inbox.from_email import NobodyTakesItError
from regulars.kit.database import Away
from regulars.kit.storage import UnavailableError
from regulars.mail.mime import UnreadableMailError
from regulars.public import http
from regulars.public.http import Receive, Scope, Send

log = logging.getLogger(__name__)

MOST_BYTES = 26_000_000
MOST_AT_ONCE = 4


class Hooks:
    """The door that mail is handed in at: `POST`, the body the raw message (RFC 5322)."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def opens(self, path: str) -> bool:
        """Whether the path is a hook's."""
        return path.startswith(hook.PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. 200 means that the mail is stored, or never will be."""
        project_id = hook.project_of(scope["path"])
        if project_id is None:
            await http.refuse(send, 404, "not_found", "There is no such door.")
            return
        if scope["method"] != "POST":
            await http.refuse(send, 405, "method_not_allowed", "Hand mail in with POST.")
            return
        try:
            async with self._room:
                raw = await http.read_body(receive, MOST_BYTES)
                await asyncio.to_thread(self._deliver, raw, project_id)
        except http.GoneError:
            return
        except http.BodyTooLargeError:
            limit = f"A mail may have {MOST_BYTES // 1_000_000} MB."
            await http.refuse(send, 400, "too_large", limit)
        except UnreadableMailError as unreadable:
            await http.refuse(send, 400, "unreadable", str(unreadable))
        except (NobodyTakesItError, *Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=30)
        except UnavailableError as away:
            log.warning("The storage of files: %s", away)
            message = "The storage of files is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=30)
        else:
            await http.answer_json(send, 200, {"success": True})

    def _deliver(self, raw: bytes, project_id: UUID) -> None:
        from_email.deliver(raw, (), self._now(), project_id=project_id)
