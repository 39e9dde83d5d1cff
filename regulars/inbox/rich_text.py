"""Rich text that may be shown to anybody: a little markup, and nothing else, whatever was sent.

What is kept is bold, italic, underlined and struck text, code, lists, paragraphs and links to the
web or to a mail address. Everything else is taken out, its words stay; scripts and styles go whole.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import nh3

TAGS = frozenset(
    {"p", "br", "b", "strong", "i", "em", "u", "s", "ul", "ol", "li", "code", "a"}
)  # fmt: skip
SCHEMES = frozenset({"http", "https", "mailto"})
MOST_MARKS = 10_000  # opening and closing tags: deep nests cost more than they say

# nh3 lets `title` and `lang` through everywhere, unless it is told otherwise.
_ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "*": set()}

# Of pages and mails: where a block ends, a paragraph does.
_BLOCKS = frozenset(
    {
        "div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "section", "article",
        "header", "footer", "tr", "dt", "dd",
    }
)  # fmt: skip
_BLOCK = re.compile(rf"<(/?)(?:{'|'.join(sorted(_BLOCKS))})>")
_EMPTY = re.compile(r"<p>(?:\s|\xa0|&nbsp;|<br>)*</p>")
_LINES_APART = re.compile(r"\n\s*\n")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_BEHIND_LINK = ".,;:!?)]}'"
_MANY_LINES = re.compile(r"\n{3,}")
_BREAKS = frozenset({"p", "ul", "ol", "li"})


class TooMuchError(ValueError):
    """More markup than anybody writes."""


def clean(given: str) -> str:
    """The same without what could do harm; safe to put into a page. Raises TooMuchError."""
    if given.count("<") > MOST_MARKS:
        raise TooMuchError
    return _clean(given)


def kept(rich: str) -> str:
    """What `clean` made and the database kept, cleaned again before it is put into a page."""
    return _strict(rich)


def of_text(text: str) -> str:
    """Plain text as rich text: lines stay lines, and addresses of the web become links."""
    paragraphs = _LINES_APART.split(text.replace("\r\n", "\n").replace("\r", "\n").strip())
    return _clean("".join(f"<p>{_lines(one)}</p>" for one in paragraphs if one.strip()))


def plain(rich: str) -> str:
    """The words of what `clean` made, line by line."""
    reader = _Reader()
    reader.feed(rich)
    reader.close()
    return _MANY_LINES.sub("\n\n", "".join(reader.parts)).strip()


def _clean(given: str) -> str:
    widened = nh3.clean(given, tags=set(TAGS | _BLOCKS), attributes=_ATTRIBUTES)
    return _EMPTY.sub("", _strict(_BLOCK.sub(r"<\1p>", widened))).strip()


def _strict(rich: str) -> str:
    return nh3.clean(
        rich,
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _lines(paragraph: str) -> str:
    return "<br>".join(_linked(line) for line in paragraph.split("\n"))


def _linked(line: str) -> str:
    """A line, escaped, with its web addresses as links."""
    done, at = [], 0
    for found in _LINK.finditer(line):
        address = found[0].rstrip(_BEHIND_LINK)
        shown = html.escape(address)
        done += [html.escape(line[at : found.start()]), f'<a href="{shown}">{shown}</a>']
        at = found.start() + len(address)
    return "".join([*done, html.escape(line[at:])])


class _Reader(HTMLParser):
    """Reads words, and where lines begin."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's signature
        if tag == "br":
            self.parts.append("\n")
        elif tag in _BREAKS:
            self._new_line()
        if tag == "li":
            self.parts.append("• ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self.parts.append("\n\n")
        elif tag in _BREAKS:
            self._new_line()

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " ").replace("\xa0", " "))

    def _new_line(self) -> None:
        if self.parts and not self.parts[-1].endswith(("\n", "• ")):
            self.parts.append("\n")
