"""The addresses that stand in a mail to many: unsubscribing, preferences, tracked links, the pixel.

Each holds a token that was signed with the installation's secret: it says whose mail it is, can be
read without a database, and cannot be made by anybody else. A tracked link holds the address that
it leads to, signed along, so that it leads nowhere else. The token knows the keyed hash of the
reader's address: who was erased, or changed their address, can still unsubscribe with an old mail.

A token has 80 letters of base64url: project, recipient, hash, and 12 bytes of HMAC-SHA256.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from regulars.kit import environment
from regulars.kit.text import fold

LEAVE, CLICK, OPEN = "/u/", "/c/", "/o/"
MOST_URL = 4_000  # letters of an address that is tracked; a longer one is left as it is

Purpose = Literal["unsubscribe", "click", "open"]

_CODE = 12  # bytes
_TOKEN = re.compile(r"[A-Za-z0-9_-]{80}")
_SAID = 48  # bytes before the code
_URL_LETTERS = re.compile(r"[A-Za-z0-9_-]{1,8000}")
_SCHEMES = frozenset(("http", "https"))

# The href of a link: the tag up to its value, then the value in quotes or without.
_LINK = re.compile(
    r"(<a\s(?:[^>\"']|\"[^\"]*\"|'[^']*')*?\bhref\s*=\s*)(\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))",
    re.IGNORECASE,
)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a token is about: the recipient's row, and the keyed hash of the address."""

    project_id: UUID
    recipient_id: UUID
    hash: UUID


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses in one recipient's mail. `base_url` is the installation's own."""

    project_id: UUID
    recipient_id: UUID
    base_url: str
    address: str
    topic_id: UUID | None = None

    @property
    def unsubscribe_url(self) -> str:
        """The page that asks whether to unsubscribe (GET), and the one click that does (POST)."""
        topic = f"?topic={self.topic_id}" if self.topic_id else ""
        return f"{self.base_url}{LEAVE}{self._token('unsubscribe')}{topic}"

    @property
    def one_click_url(self) -> str:
        """What mail programs post to (RFC 8058)."""
        return self.unsubscribe_url

    @property
    def preferences_url(self) -> str:
        """The page that shows every topic."""
        return f"{self.base_url}{LEAVE}{self._token('unsubscribe')}/preferences"

    def click_url(self, url: str) -> str:
        """The tracked form of a web address."""
        said = urlsafe_b64encode(url.encode()).decode().rstrip("=")
        return f"{self.base_url}{CLICK}{self._token('click', url)}/{said}"

    @property
    def open_url(self) -> str:
        """The picture of one pixel whose fetching says that the mail was opened."""
        return f"{self.base_url}{OPEN}{self._token('open')}.gif"

    def list_unsubscribe_headers(self) -> list[tuple[str, str]]:
        """The header fields that mail programs make their own unsubscribe button of."""
        return [
            ("List-Unsubscribe", f"<{self.one_click_url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]

    def _token(self, purpose: Purpose, url: str = "") -> str:
        said = _said(self.project_id, self.recipient_id, self.address)
        return urlsafe_b64encode(said + _code(purpose, said, url)).decode("ascii")


def address_hash(project_id: UUID, address: str) -> UUID:
    """The keyed hash by which a project remembers an address: nobody can tell it from that."""
    return keyed_hash("address", project_id, fold(address))


def keyed_hash(purpose: str, project_id: UUID, text: str) -> UUID:
    """A keyed hash of something a project remembers."""
    key = _key(purpose, *environment.secret_is())
    said = project_id.bytes + text.encode("utf-8", "replace")
    return UUID(bytes=hmac.digest(key, said, "sha256")[:16])


def read_leave(token: str) -> Reader | None:
    """Whose unsubscribe token this is; None where we did not make it."""
    return _read("unsubscribe", token, "")


def read_open(token: str) -> Reader | None:
    """Whose pixel this is."""
    return _read("open", token, "")


def read_click(token: str, said: str) -> tuple[Reader, str] | None:
    """Whose link this is, and where it leads."""
    if not _URL_LETTERS.fullmatch(said):
        return None
    try:
        url = urlsafe_b64decode(said + "=" * (-len(said) % 4)).decode()
    except (NotBase64Error, ValueError):
        return None
    reader = _read("click", token, url)
    return (reader, url) if reader is not None and is_trackable(url) else None


def instrument(html: str, links: Links) -> str:
    """The HTML with its web links tracked and the pixel at its end.

    Our own addresses (unsubscribing, preferences, the mail's web page) stay as they are.
    """
    tracked = _LINK.sub(_tracker(links), html)
    pixel = (
        f'<img src="{escape(links.open_url)}" width="1" height="1" alt=""'
        ' style="display:block;width:1px;height:1px;border:0">'
    )
    ends = list(_BODY_END.finditer(tracked))
    at = ends[-1].start() if ends else len(tracked)
    return tracked[:at] + pixel + tracked[at:]


def is_trackable(url: str) -> bool:
    """Whether it is an address in the web that can be led to."""
    if len(url) > MOST_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in _SCHEMES and bool(parts.hostname)
    except ValueError:
        return False


def _tracker(links: Links) -> Callable[[re.Match[str]], str]:
    made: dict[str, str] = {}

    def replaced(found: re.Match[str]) -> str:
        given = next(value for value in (found[3], found[4], found[5]) if value is not None)
        url = unescape(given).strip()
        own = url.startswith((f"{links.base_url}{LEAVE}", f"{links.base_url}{CLICK}"))
        if own or not is_trackable(url):
            return found[0]
        if url not in made:
            made[url] = escape(links.click_url(url))
        return f'{found[1]}"{made[url]}"'

    return replaced


@lru_cache(maxsize=256)
def _said(project_id: UUID, recipient_id: UUID, address: str) -> bytes:
    """What a recipient's tokens say: the same in all of them."""
    return project_id.bytes + recipient_id.bytes + address_hash(project_id, address).bytes


def _read(purpose: Purpose, token: str, url: str) -> Reader | None:
    if not _TOKEN.fullmatch(token):
        return None
    raw = urlsafe_b64decode(token)
    said, code = raw[:_SAID], raw[_SAID:]
    if not hmac.compare_digest(code, _code(purpose, said, url)):
        return None
    return Reader(UUID(bytes=said[:16]), UUID(bytes=said[16:32]), UUID(bytes=said[32:]))


def _code(purpose: Purpose, said: bytes, url: str) -> bytes:
    key = _key(f"link {purpose}", *environment.secret_is())
    return hmac.digest(key, said + url.encode("utf-8", "replace"), "sha256")[:_CODE]


@lru_cache(maxsize=64)
def _key(purpose: str, *_secret_is: str | None) -> bytes:
    """A key for each purpose: a pixel's token opens no preferences."""
    secret = environment.read().secret_key
    return hmac.digest(secret.encode(), f"regulars mail: {purpose}".encode(), "sha256")
