"""The demo shop as an ASGI application: everything under `/demo/`.

A few pages of a made-up shop that carry the real snippet with the key of the
first project, so that whoever has just started Regulars can watch themselves
arrive. It stores nothing: basket and account live in the visitor's browser.
"""

import hashlib
import mimetypes
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from regulars.demo import pages
from regulars.demo.markup import HERE, Markup

# The write key of the project that the shop belongs to, or None. May block.
DemoKey = Callable[[], str | None]

_Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
_Build = Callable[[pages.Frame], Markup | None]

_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    # Nothing inline, nothing from elsewhere: a page that the tracker must work on.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
}


def _load_static() -> tuple[dict[str, bytes], pages.Assets]:
    files = {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir())}

    def address(name: str) -> str:
        return f"/demo/static/{name}?v={hashlib.sha256(files[name]).hexdigest()[:12]}"

    styles = tuple(address(name) for name in ("shop.css", "parts.css", "pots.css", "pages.css"))
    return files, pages.Assets(styles, address("shop.js"), address("icon.svg"))


def shop_app(demo_key: DemoKey) -> ASGIApp:
    """The shop, for a server that hands it every request under `/demo`.

    `demo_key` says whose key the pages carry; while it answers None, or the
    database is away, a friendly page stands in for the shop.
    """
    files, assets = _load_static()

    async def frame() -> pages.Frame | None:
        try:
            key = await run_in_threadpool(demo_key)
        except psycopg.OperationalError:
            key = None
        return pages.Frame(key, assets) if key else None

    async def answer(build: _Build) -> Response:
        around = await frame()
        if around is None:
            headers = {**_PAGE_HEADERS, "Retry-After": "5"}
            return HTMLResponse(pages.closed(assets), HTTPStatus.SERVICE_UNAVAILABLE, headers)
        page = build(around)
        if page is None:
            return HTMLResponse(pages.missing(around), HTTPStatus.NOT_FOUND, _PAGE_HEADERS)
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    def at(path: str, build: _Build) -> Route:
        async def endpoint(_request: Request) -> Response:
            return await answer(build)

        return Route(path, endpoint, methods=["GET"])

    def at_slug(path: str, build: Callable[[pages.Frame, str], Markup | None]) -> Route:
        async def endpoint(request: Request) -> Response:
            slug: str = request.path_params["slug"]
            return await answer(lambda around: build(around, slug))

        return Route(path, endpoint, methods=["GET"])

    return Router(
        routes=[
            Route("/demo/static/{name}", _static_endpoint(files), methods=["GET"]),
            at("/demo/", pages.home),
            at("/demo/shop/", pages.shop),
            at_slug("/demo/shop/{slug}/", pages.product),
            at("/demo/cart/", pages.cart),
            at("/demo/checkout/", pages.checkout),
            at("/demo/thanks/", pages.thanks),
            at("/demo/sign-up/", pages.sign_up),
            at("/demo/account/", pages.account),
            at("/demo/journal/", pages.journal),
            at_slug("/demo/journal/{slug}/", pages.article),
            at("/demo/{rest:path}", lambda _around: None),
        ]
    )


def _static_endpoint(files: dict[str, bytes]) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        name: str = request.path_params["name"]
        content = files.get(name)
        if content is None:
            return PlainTextResponse("There is no such file.\n", HTTPStatus.NOT_FOUND)
        fingerprinted = "v" in request.query_params
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if fingerprinted else "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        media_type = mimetypes.guess_type(name)[0]
        return Response(content, headers=headers, media_type=media_type)

    return endpoint
