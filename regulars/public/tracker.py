"""Serves the scripts a customer's pages load: the tracker and its Interakt-compatible form.

`/t.js` is one text for everybody: it finds its write key in its own address (`?k=`) or on its tag
(`data-key`). `/interakt/<app_id>.js` carries the write key of the project that the address names.
Both are compressed once, and answer `304` to a browser that has them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import cache, lru_cache
from pathlib import Path
from uuid import UUID

from regulars.kit.database import Away
from regulars.public import http, scripts
from regulars.public.http import Receive, Scope, Send
from regulars.public.projects import Projects
from regulars.public.scripts import Script

STATIC = Path(__file__).parent.parent / "static"

# A new tracker reaches every page within the hour, a rotated key within five minutes.
TRACKER_SECONDS = 3600
INTERAKT_SECONDS = 300

# The write key of the project with this id, or None. Raises the database's error where it is away.
WriteKeyOf = Callable[[UUID], Awaitable[str | None]]

_INTERAKT = re.compile(r"/interakt/([^/]+)\.js")
_WRITE_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Tracker:
    """The door that `/t.js` and `/interakt/<app_id>.js` are had at."""

    def __init__(self, write_key_of: WriteKeyOf) -> None:
        self._write_key_of = write_key_of

    def opens(self, path: str) -> bool:
        """Whether the path is a script's."""
        return path == "/t.js" or _INTERAKT.fullmatch(path) is not None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Ask with GET.")
            return
        found = _INTERAKT.fullmatch(scope["path"])
        if found is None:
            await scripts.answer(scope, send, tracker_script())
            return
        try:
            write_key = await self._key_of(found[1])
        except (*Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=1)
            return
        if write_key is None:
            await http.refuse(send, 404, "unknown_app_id", "No project has this app_id.")
            return
        await scripts.answer(scope, send, interakt_script(write_key))

    async def _key_of(self, app_id: str) -> str | None:
        try:
            project_id = UUID(app_id)
        except ValueError:
            return None
        return await self._write_key_of(project_id)


def newest_write_key(projects: Projects) -> WriteKeyOf:
    """Looks a project's write key up where the other doors do."""

    async def write_key_of(project_id: UUID) -> str | None:
        project = await projects.by_id(project_id)
        return project.write_keys[0] if project is not None and project.write_keys else None

    return write_key_of


@cache
def tracker_script() -> Script:
    """What `/t.js` answers."""
    return scripts.script(_read("tracker.js"), scripts.kept(TRACKER_SECONDS))


@lru_cache(maxsize=256)
def interakt_script(write_key: str) -> Script:
    """What `/interakt/<app_id>.js` answers for the project with this write key."""
    if not _WRITE_KEY.fullmatch(write_key):
        # It is put inside a JavaScript string.
        raise ValueError("a write key is made of letters, digits, _ and -")
    opening = _read("interakt.js").replace("__WRITE_KEY__", write_key)
    return scripts.script(opening + _read("tracker.js"), scripts.kept(INTERAKT_SECONDS))


@cache
def _read(name: str) -> str:
    return scripts.squeezed((STATIC / name).read_text("utf-8"))
