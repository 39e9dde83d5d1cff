"""Answers `GET /v1/projects/<writeKey>/settings`, what Segment's browser SDK fetches at start.

The SDK is pointed here by its `cdnURL` alone. It then sends events to `{protocol}://{apiHost}/t`
and its like, so the answer names the very host and scheme that it was asked at.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from regulars.kit.database import Away
from regulars.public import http
from regulars.public.http import Headers, Scope, Send
from regulars.public.projects import Projects
from regulars.tracking.pipeline import steps

_PATH = re.compile(r"/v1/projects/([^/]+)/settings")

# A name or address and a port (RFC 9110, 7.2): what a script may put between `://` and `/`.
_HOST = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_LOOPBACK = re.compile(r"(localhost|127(\.[0-9]+){3}|\[::1\])(:[0-9]+)?")

# The answer depends on the host and scheme asked at, which a shared cache may not tell apart.
_CACHE: Headers = [(b"cache-control", b"private, max-age=60")]


class SdkSettings:
    """The door that the browser SDK's settings are had at."""

    def __init__(self, projects: Projects, base_url: str) -> None:
        self._projects = projects
        self._base_url = urlsplit(base_url)

    def opens(self, path: str) -> bool:
        """Whether the path is that of a project's SDK settings."""
        return _PATH.fullmatch(path) is not None

    async def __call__(self, scope: Scope, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            await http.answer(send, 204, b"", http.PREFLIGHT)
            return
        if scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Ask with GET.")
            return
        found = _PATH.fullmatch(scope["path"])
        key = found[1] if found else ""
        try:
            known = len(key) <= steps.MAX_ID and await self._projects.by_write_key(key) is not None
        except (*Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=1)
            return
        if not known:
            await http.refuse(send, 404, "unknown_key", "No project has this write key.")
            return
        await http.answer_json(send, 200, settings(key, *self._reached_at(scope)), _CACHE)

    def _reached_at(self, scope: Scope) -> tuple[str, str]:
        """The scheme and host under which the browser reaches us."""
        host = http.header(scope, b"host") or ""
        if not _HOST.fullmatch(host):
            return self._base_url.scheme, self._base_url.netloc
        if _LOOPBACK.fullmatch(host):
            return scope["scheme"], host  # a secure page may ask there in the clear
        # A secure page can have asked only securely, whatever a proxy in between made of it.
        is_secure = (http.header(scope, b"origin") or "").startswith("https:")
        if is_secure or (host, "https") == (self._base_url.netloc, self._base_url.scheme):
            return "https", host
        return scope["scheme"], host


def settings(write_key: str, scheme: str, host: str) -> dict[str, Any]:
    """What the SDK reads: where events go, and that nothing else is to be loaded."""
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{host}/v1",
                "protocol": scheme,
                "addBundledMetadata": True,
                "unbundledIntegrations": [],
                "bundledConfigIds": [],
                "unbundledConfigIds": [],
                "maybeBundledConfigIds": {},
                # An event that could not be sent waits in the browser and is tried again.
                "retryQueue": True,
            }
        },
        "plan": {
            "track": {"__default": {"enabled": True, "integrations": {}}},
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        # The SDK's measurements of itself would go to Segment.
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
