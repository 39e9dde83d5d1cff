"""A customer's own site: pages that a test lays out, on another origin than Regulars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

ICON = "<link rel=icon href=data:,>"


class Storefront:
    """Pages, each an address, a text and its headers; `regulars` is where the scripts are."""

    def __init__(self, here: str, regulars: str, write_key: str) -> None:
        self.here = here
        self.regulars = regulars
        self.write_key = write_key
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}

    def tag(self, extra: str = "") -> str:
        """The tag as a customer pastes it."""
        source = f'src="{self.regulars}/t.js" data-key="{self.write_key}"'
        return f"<script async {source} {extra}></script>"

    def page(
        self,
        path: str = "/",
        *,
        head: str | None = None,
        body: str = "<h1>A page</h1>",
        csp: str = "",
        doctype: str = "<!doctype html>",
        html: str = 'lang="en"',
    ) -> str:
        """Lay out a page, by default with the tag in its head; returns its address."""
        inside = self.tag() if head is None else head
        meta = '<meta charset=utf-8><meta name=viewport content="width=device-width">'
        text = f"{doctype}<html {html}><head>{meta}{ICON}<title>Shop</title>{inside}</head>{body}"
        self.pages[path] = (text, {"Content-Security-Policy": csp} if csp else {})
        return self.here + path


@contextmanager
def open_storefront(regulars: str, write_key: str) -> Iterator[Storefront]:
    """A storefront on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text, headers = front.pages.get(self.path.split("?")[0], ("<title>Nothing</title>", {}))
            body = text.encode()
            self.send_response(200)
            for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        front = Storefront(f"http://127.0.0.1:{server.server_port}", regulars, write_key)
        Thread(target=server.serve_forever, daemon=True).start()
        yield front
        server.shutdown()
