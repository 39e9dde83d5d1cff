"""The one ASGI application: small raw handlers for what the outside calls, Django for the rest."""

from __future__ import annotations

import asyncio
from typing import Any

from regulars.config.installation import set_up_django

set_up_django()  # before anything that knows a model is imported

from django.core.asgi import get_asgi_application  # noqa: E402

from regulars.config import body_limit, migrations, wiring  # noqa: E402
from regulars.console.inbox_socket import InboxSocket  # noqa: E402
from regulars.demo.shop import shop_app  # noqa: E402
from regulars.kit import clock, environment  # noqa: E402
from regulars.kit.bus import bus  # noqa: E402
from regulars.public.collect import Collect  # noqa: E402
from regulars.public.health import Health  # noqa: E402
from regulars.public.hooks import Hooks  # noqa: E402
from regulars.public.http import Receive, Scope, Send  # noqa: E402
from regulars.public.images import Images  # noqa: E402
from regulars.public.interakt import Interakt  # noqa: E402
from regulars.public.mail_door import MailDoor  # noqa: E402
from regulars.public.mail_services import MailServices  # noqa: E402
from regulars.public.messenger.door import MessengerDoor  # noqa: E402
from regulars.public.projects import Projects, first_write_key  # noqa: E402
from regulars.public.rest.door import RestDoor  # noqa: E402
from regulars.public.sdk_settings import SdkSettings  # noqa: E402
from regulars.public.tracker import Tracker, newest_write_key  # noqa: E402
from regulars.tracking.enrich import bots, locale, user_agent  # noqa: E402
from regulars.tracking.enrich.geo import GeoDatabase  # noqa: E402
from regulars.tracking.intake import Intake  # noqa: E402

GEO_REFRESH = 5.0  # seconds between looks for a newly installed city database


class Application:
    """Dispatches by path: the first door that opens it serves it."""

    def __init__(self) -> None:
        wiring.wire()
        django: Any = get_asgi_application()
        self._django = django
        self._geo = GeoDatabase.open(environment.read().data)
        self._intake = Intake(clock.now)
        projects = Projects()
        self._collect = Collect(self._intake, projects, self._geo, clock.now)
        self._interakt = Interakt(self._intake, projects, clock.now)
        self._rest = RestDoor(django, lambda: self._intake.serves)
        self._sdk_settings = SdkSettings(projects, environment.read().base_url)
        self._tracker = Tracker(newest_write_key(projects))
        self._mail = MailDoor(clock.now)
        self._of_mail = (Hooks(clock.now), self._mail, MailServices(clock.now), Images())
        self._messenger = MessengerDoor(self._intake, projects, clock.now)
        self._inbox_socket = InboxSocket()
        self._demo = shop_app(first_write_key)
        self._health = Health(self._intake, clock.now, migrations.pending)
        self._chores: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._messenger.opens(scope["path"]):
            await self._messenger(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._inbox_socket(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_mail = next((one for one in self._of_mail if one.opens(scope["path"])), None)
        if of_mail is not None:
            await of_mail(scope, receive, send)
        elif self._collect.opens(scope["path"]):
            await self._collect(scope, receive, send)
        elif self._sdk_settings.opens(scope["path"]):
            await self._sdk_settings(scope, send)
        elif self._tracker.opens(scope["path"]):
            await self._tracker(scope, receive, send)
        elif _in_shop(scope["path"]):
            await self._demo(scope, receive, send)
        elif self._interakt.opens(scope["path"]):
            await self._interakt(scope, receive, send)
        elif self._rest.opens(scope["path"]):
            await self._rest(scope, receive, send)
        elif self._health.opens(scope["path"]):
            await self._health(scope, send)
        elif body_limit.says_too_much(scope):
            await body_limit.refuse(send)
        else:
            await self._django(scope, body_limit.counted(receive), send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await self._start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _start(self) -> None:
        for part in (user_agent, bots, locale):
            part.warm()
        loop = asyncio.get_running_loop()
        self._intake.start(loop)
        self._chores.add(loop.create_task(self._refresh_geo()))

    async def _stop(self) -> None:
        for chore in self._chores:
            chore.cancel()
        bus.stop()
        await asyncio.to_thread(self._mail.hits.stop)
        await asyncio.to_thread(self._intake.stop)

    async def _refresh_geo(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(GEO_REFRESH)
            await asyncio.to_thread(self._geo.refresh, loop.time())


def _in_shop(path: str) -> bool:
    return path == "/demo" or path.startswith("/demo/")


app = Application()
