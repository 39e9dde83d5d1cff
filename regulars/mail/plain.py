"""HTML mail as plain text: what a reader sees, its quotes marked as in plain text.

Nothing is shown as HTML, so nothing needs to be made safe; what counts is that no mail can stop us.
That rules out the well-known ways: an HTML5 tree (nh3) answers 58 KB of misnested tags with 1.5 GB,
and html.parser takes half a minute for as much. This goes through the text once.
"""

from __future__ import annotations

import re
from html import unescape

MOST_HTML = 1_000_000  # letters that are read
MOST_LINES = 20_000
MOST_LINK = 300
MOST_DEPTH = 20

# Marks, in the text that comes out, where a mail program put the history. No control of a mail's
# own is left by then.
HISTORY = "\x1e"

_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]{0,20})(?=[\s/>:])")
_STOP = re.compile(r"[>\"']")
_BLANKS = re.compile(r"[ \t\n\r\f\xa0\u200b\u200c\ufeff]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BIG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
_ATTRIBUTE = re.compile(
    r"""\b(href|alt|class|id|start)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_ATTRIBUTES_READ = 2_000  # letters of a tag

_UNSEEN = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "title", "template", "noscript", "xml", "svg", "math")
}
# fmt: off
_LINES = frozenset((
    "div", "tr", "table", "tbody", "section", "article", "header", "footer", "form", "center",
    "address", "dd", "dt", "li", "ul", "ol", "body", "html", "main", "figure", "hr",
))
# fmt: on
_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "pre"))
# What mail programs put around the mail that is answered, by class or id.
_HISTORY = re.compile(
    r"gmail_quote|yahoo_quoted|protonmail_quote|moz-cite-prefix|divRplyFwdMsg|appendonsend|zwchr"
    r"|mail-editor-reference-message-container|OutlookMessageHeader|tutanota_quote|regulars_quote"
)


def from_html(html: str) -> str:
    """The text of an HTML mail; `HISTORY` stands alone on the line where the history begins."""
    page = _Page()
    _read(_CONTROLS.sub("", html[:MOST_HTML]), page)
    return page.text()


def _read(html: str, page: _Page) -> None:
    place: int | None = 0
    unclosed: set[str] = set()
    while place is not None and page.has_room:
        opening = html.find("<", place)
        page.say(html[place : opening if opening >= 0 else None])
        if opening < 0:
            return
        named = _NAME.match(html, opening)
        if named is not None:
            place = _tag(html, named, page, unclosed)
        elif html.startswith("<!--", opening):
            place = _behind(html, "-->", opening + 4)
        elif html[opening + 1 : opening + 2] in ("!", "?", "/"):
            place = _behind(html, ">", opening)
        else:
            page.say("<")
            place = opening + 1


def _tag(html: str, named: re.Match[str], page: _Page, unclosed: set[str]) -> int | None:
    """Tell the page of a tag; the place to go on at, None where nothing more is to be seen."""
    place = _end_of_tag(html, named.end(), unclosed)
    if place is None:
        return None
    name = named[1].lower()
    if html[named.start() + 1] == "/":
        page.close(name)
    elif name not in _UNSEEN:
        page.open(name, html[named.end() : place][:_ATTRIBUTES_READ])
    elif html[place - 2] != "/":
        over = _UNSEEN[name].search(html, place)
        return over.start() if over else None
    return place


def _behind(html: str, what: str, place: int) -> int | None:
    found = html.find(what, place)
    return found + len(what) if found >= 0 else None


def _end_of_tag(html: str, place: int, unclosed: set[str]) -> int | None:
    """Behind the tag's `>`, or None where it has none.

    `unclosed` remembers a kind of quote that is nowhere closed, so that it is looked for once.
    """
    while (stop := _STOP.search(html, place)) is not None:
        place = stop.end()
        quote = stop[0]
        if quote == ">":
            return place
        # An apostrophe that opens no value is a letter like others.
        if quote in unclosed or html[stop.start() - 1] != "=":
            continue
        closed = html.find(quote, place)
        if closed < 0:
            unclosed.add(quote)
        else:
            place = closed + 1
    return None


class _Page:
    """The lines so far, and where in the markup we are."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._depth = 0
        self._kept = 0  # how many <pre> we are in
        self._tight = False  # in a paragraph of Outlook's
        self._lists: list[int | None] = []  # the next number of each list around us
        self._link: tuple[str, int] | None = None  # its address, and where its words begin

    @property
    def has_room(self) -> bool:
        return len(self._lines) < MOST_LINES

    def text(self) -> str:
        """All of it, at most one blank line between paragraphs."""
        self._end()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def say(self, text: str) -> None:
        """Words between tags."""
        if not text:
            return
        words = unescape(_BIG_NUMBER.sub("\ufffd", text)) if "&" in text else text
        words = _CONTROLS.sub("", words)
        if self._kept:
            first, *rest = words.split("\n")
            self._line.append(first)
            for line in rest:
                self._end(empty=True)
                self._line.append(line)
            return
        words = _BLANKS.sub(" ", words)
        if words == " " and not self._line:
            return
        self._line.append(words)

    def open(self, name: str, attributes: str) -> None:
        """A tag that opens something."""
        given = _given(attributes) if "=" in attributes else {}
        if _HISTORY.search(f"{given.get('class', '')} {given.get('id', '')}"):
            self._end()
            self._lines.append(HISTORY)
        if name == "br":
            self._end(empty=True)
        elif name == "blockquote":
            self._paragraph()
            self._depth = min(self._depth + 1, MOST_DEPTH)
        elif name in _PARAGRAPHS:
            # Outlook's paragraphs are lines: it makes an empty one where a blank one is meant.
            self._tight = "Mso" in given.get("class", "")
            self._end() if self._tight else self._paragraph()
            self._kept += name == "pre"
        elif name in _LINES:
            self._end()
            self._begin_list(name, given)
        elif name in ("td", "th") and self._line:
            self._line.append(" ")
        elif name == "img" and given.get("alt"):
            self.say(f"[{given['alt'][:100]}]")
        elif name == "a":
            self._link = (given.get("href", ""), len(self._line))

    def close(self, name: str) -> None:
        """A tag that closes something."""
        if name == "blockquote":
            self._end()
            if self._depth and self._lines and self._lines[-1] == self._quote().rstrip():
                self._lines.pop()
            self._depth = max(self._depth - 1, 0)
            self._blank_next()
        elif name in _PARAGRAPHS:
            self._end(empty=self._tight)
            if name == "pre":
                self._kept = max(self._kept - 1, 0)
            if not self._tight:
                self._blank_next()
            self._tight = False
        elif name in _LINES:
            self._end()
            if name in ("ul", "ol") and self._lists:
                self._lists.pop()
        elif name == "a":
            self._close_link()

    def _begin_list(self, name: str, given: dict[str, str]) -> None:
        if name in ("ul", "ol") and len(self._lists) < MOST_DEPTH:
            start = given.get("start", "")
            first = int(start) if re.fullmatch(r"[0-9]{1,6}", start) else 1
            self._lists.append(first if name == "ol" else None)
        elif name == "li":
            number = self._lists[-1] if self._lists else None
            indent = "  " * (len(self._lists) - 1)
            self._line.append(f"{indent}- " if number is None else f"{indent}{number}. ")
            if number is not None:
                self._lists[-1] = number + 1

    def _close_link(self) -> None:
        """A link whose words don't show where it leads says so."""
        if self._link is None:
            return
        address, begun = self._link
        self._link = None
        words = "".join(self._line[begun:]).strip()
        there = unescape(_BIG_NUMBER.sub("", address)).strip()[:MOST_LINK]
        shown = words.rstrip("/").lower()
        if there.lower().startswith(("http://", "https://")) and shown:
            bare = there.lower().split("://", 1)[1].rstrip("/")
            if bare not in shown and shown not in bare:
                self._line.append(f" ({_BLANKS.sub('', there)})")

    def _paragraph(self) -> None:
        self._end()
        self._blank_next()

    def _blank_next(self) -> None:
        quote = self._quote().rstrip()
        if self._lines and self._lines[-1] not in ("", quote, HISTORY):
            self._lines.append(quote)

    def _end(self, *, empty: bool = False) -> None:
        """The line is over. One without words is left out unless it is wanted."""
        words = "".join(self._line).rstrip()
        self._line.clear()
        self._link = None if self._link is None else (self._link[0], 0)
        if not self._kept and not words.startswith("  "):
            words = words.lstrip()
        if words.strip() or empty:
            self._lines.append((self._quote() + words).rstrip())

    def _quote(self) -> str:
        return "> " * self._depth


def _given(attributes: str) -> dict[str, str]:
    return {
        found[1].lower(): found[2] or found[3] or found[4] or ""
        for found in _ATTRIBUTE.finditer(attributes)
    }
