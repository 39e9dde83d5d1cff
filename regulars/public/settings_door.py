"""What Segment's browser SDK asks for at its start: where to send, and that nothing else is on.

`GET /v1/projects/<writeKey>/settings`. The SDK is pointed here by its `cdnURL`, and sends to the
host that this names: the one it was asked by, so that a customer's own address in front of us is
used for the events too.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from regulars.kit.database import Away
from regulars.public import http
from regulars.public.http import Headers, Receive, Scope, Send
from regulars.public.projects import Projects

# A revoked key is noticed by pages that open a minute later.
CACHED = (b"cache-control", b"public, max-age=60")

_PATH = re.compile(r"/v1/projects/([^/]{1,200})/settings")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|\[::1\]")


class Settings:
    """The door of the SDK's settings."""

    def __init__(self, projects: Projects, base_url: str) -> None:
        self._projects = projects
        self._base_url = urlsplit(base_url)

    def opens(self, path: str) -> bool:
        """Whether the path asks for a project's settings."""
        return _PATH.fullmatch(path) is not None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            await http.answer(send, 204, b"", http.PREFLIGHT)
        elif scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Ask with GET.")
        else:
            await self._answer(scope, send)

    async def _answer(self, scope: Scope, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"])
        key = unquote(found.group(1)) if found else ""
        try:
            project = await self._projects.by_write_key(key)
        except (*Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=1)
            return
        if project is None:
            await http.refuse(send, 404, "unknown_key", "No project has this write key.")
            return
        headers: Headers = [CACHED, (b"vary", b"host, origin")]
        await http.answer_json(send, 200, settings_of(key, *self._reached_at(scope)), headers)

    def _reached_at(self, scope: Scope) -> tuple[str, str]:
        """The scheme and the host under which the browser reaches us."""
        host = http.header(scope, b"host") or ""
        if not _HOST.fullmatch(host):
            return self._base_url.scheme, self._base_url.netloc
        scheme = str(scope.get("scheme", "http"))
        if _LOOPBACK.fullmatch(host.rpartition(":")[0] or host):
            return scheme, host
        # A secure page can have asked only securely, whatever a proxy in between made of it.
        origin = http.header(scope, b"origin") or ""
        is_secure = origin.startswith("https:") or (host, "https") == (
            self._base_url.netloc,
            self._base_url.scheme,
        )
        return "https" if is_secure else scheme, host


def settings_of(write_key: str, scheme: str, host: str) -> dict[str, Any]:
    """The settings in the SDK's own words: events go to us, everything else is off."""
    on = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{host}/v1",
                "protocol": scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": False,
                "retryQueue": True,
            }
        },
        "plan": {"track": on, "identify": on, "group": on},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
