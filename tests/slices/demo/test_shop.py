"""The demo shop's pages, asked for as a browser would."""

import re
from html.parser import HTMLParser

import httpx
import psycopg
import pytest

from regulars.demo.catalog import ARTICLES, PRODUCTS
from regulars.demo.shop import DemoKey, shop_app

KEY = "wk_demo"
PAGES = [
    "/demo/",
    "/demo/shop/",
    "/demo/shop/?kind=Cups",
    *(f"/demo/shop/{slug}/" for slug in PRODUCTS),
    "/demo/cart/",
    "/demo/checkout/",
    "/demo/thanks/",
    "/demo/sign-up/",
    "/demo/account/",
    "/demo/journal/",
    *(f"/demo/journal/{slug}/" for slug in ARTICLES),
]
VOID = {"meta", "link", "input", "br", "hr", "img"}


class Reader(HTMLParser):
    """Checks what a validator would, and collects links, tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is out of place"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


async def _get(path: str, key: DemoKey = lambda: KEY, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(shop_app(key))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        return await client.request(method, path)


def _read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_carries_the_real_snippet(path: str) -> None:
    answer = await _get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<script async src="/t.js" data-key="{KEY}"></script>' in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/demo/nowhere"])
async def test_no_page_has_anything_inline(path: str) -> None:
    answer = await _get(path)
    reader = _read(answer.text)
    assert "style" not in {tag for tag, _ in reader.tags}
    for tag, attrs in reader.tags:
        assert "style" not in attrs, tag
        assert not [name for name in attrs if name.startswith("on")], tag
        assert not str(attrs.get("href", "")).startswith("javascript:")
    assert all(script.get("src") for script in reader.all("script"))
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_says_that_it_is_a_demo_and_leads_to_the_console(path: str) -> None:
    answer = await _get(path)
    assert "This is the demo shop of Regulars." in answer.text
    assert '<a href="/">Open the console to watch yourself</a>' in answer.text


async def test_every_link_leads_somewhere() -> None:
    seen: set[str] = set()
    waiting = ["/demo/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = await _get(path)
        assert answer.status_code == 200, path
        if "html" not in answer.headers["content-type"]:
            continue
        reader = _read(answer.text)
        addresses = [a.get("href") for a in reader.all("a") + reader.all("link")]
        addresses += [script.get("src") for script in reader.all("script")]
        waiting += [address for address in addresses if address and address.startswith("/demo/")]
    assert {path for path in PAGES if "thanks" not in path and "?" not in path} <= seen


@pytest.mark.parametrize("path", PAGES)
async def test_names_of_things_on_a_page_are_unique_and_fields_are_labelled(path: str) -> None:
    reader = _read((await _get(path)).text)
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labelled = {label.get("for") for label in reader.all("label")}
    for field in reader.all("input") + reader.all("select"):
        assert field.get("type") in {"radio", "checkbox"} or field.get("id") in labelled


async def test_a_key_is_escaped() -> None:
    answer = await _get("/demo/", lambda: '"><script>alert(1)</script>')
    assert "<script>alert" not in answer.text
    _read(answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/demo/nowhere",
        "/demo/shop/samovar/",
        "/demo/journal/<script>/",
        "/demo/shop/%2e%2e%2fart/",
    ],
)
async def test_what_is_not_there_is_said_kindly(path: str) -> None:
    answer = await _get(path)
    assert answer.status_code == 404
    assert "This shelf is empty" in answer.text
    assert "<script>/" not in answer.text


def _away() -> str | None:
    raise psycopg.OperationalError


@pytest.mark.parametrize("key", [lambda: None, _away])
async def test_without_a_project_it_is_not_open_yet(key: DemoKey) -> None:
    answer = await _get("/demo/", key)
    assert answer.status_code == 503
    assert "Not open yet" in answer.text
    assert "/t.js" not in answer.text
    _read(answer.text)


async def test_the_address_without_a_slash_leads_in() -> None:
    answer = await _get("/demo")
    assert answer.status_code in {307, 308}
    assert answer.headers["location"].endswith("/demo/")


@pytest.mark.parametrize("name", ["shop.css", "parts.css", "pots.css", "pages.css", "shop.js"])
async def test_files_are_kept_by_their_fingerprint(name: str) -> None:
    home = await _get("/demo/")
    (address,) = re.findall(rf'"(/demo/static/{re.escape(name)}\?v=[0-9a-f]+)"', home.text)
    answer = await _get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert (await _get(f"/demo/static/{name}")).headers["cache-control"] == "no-cache"


async def test_only_its_own_files_are_served() -> None:
    assert (await _get("/demo/static/..%2fshop.py")).status_code == 404
    assert (await _get("/demo/static/shop.py")).status_code == 404


async def test_nothing_can_be_sent_to_it() -> None:
    assert (await _get("/demo/sign-up/", method="POST")).status_code == 405
