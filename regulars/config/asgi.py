"""The one ASGI application: small raw handlers for what the outside calls, Django for the rest."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.config.settings")

from django.core.asgi import get_asgi_application
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: F401

from regulars.config import migrations, wiring
from regulars.kit import clock, database, environment
from regulars.public import http, tracker
from regulars.public.collect import Collect
from regulars.public.health import Health
from regulars.public.http import Receive, Scope, Send
from regulars.public.projects import Projects
from regulars.tracking.enrich import bots, locale, user_agent
from regulars.tracking.enrich.geo import GeoDatabase
from regulars.tracking.intake import Intake

__all__ = ["app"]
_ = (UUID, sys, Any, http, database, tracker, Health)


class Application:
    """Dispatches by path: the first handler that opens the path serves it."""

    def __init__(self) -> None:
        wiring.wire()
        self._django = get_asgi_application()
        self._geo = GeoDatabase.open(environment.read().data)
        self._intake = Intake(clock.now)
        self._projects = Projects()
        self._collect = Collect(self._intake, self._projects, self._geo, clock.now)
        self._health = Health(self._intake, clock.now, migrations.pending)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/v1/"):
            await self._collect(scope, receive, send)
        elif scope["type"] == "http" and path == "/healthz":
            await self._health.healthz(send)
        elif scope["type"] == "http" and path == "/readyz":
            await self._health.readyz(send)
        elif scope["type"] == "http" and path == "/metrics":
            await self._health.metrics(send)
        else:
            await self._django(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                for part in (user_agent, bots, locale):
                    part.warm()
                self._intake.start(asyncio.get_running_loop())
                await send({"type": "lifespan.startup.complete"})
            else:
                await asyncio.to_thread(self._intake.stop)
                await send({"type": "lifespan.shutdown.complete"})
                return


app = Application()
