"""Liquid inside other languages: its pieces are found, set aside, and put back. Pure.

What reads HTML or MJML must not see `{% if a < b %}`; it gets a mark in each piece's place, of
letters that no text of ours holds (private use, U+E000 and U+E001), which every parser lets be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

# A piece may hold quoted text, in which its own end means nothing.
PIECE = re.compile(
    r"""\{\{(?:"[^"]*"|'[^']*'|(?!\}\}).)*\}\}|\{%(?:"[^"]*"|'[^']*'|(?!%\}).)*%\}""", re.DOTALL
)
# As rich text keeps it: quotes may be entities.
_RICH_PIECE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
MARK = re.compile("\ue000([0-9]+)\ue001")
_WORD = re.compile("zqx([0-9]+)xqz")
_OURS = re.compile("[\ue000\ue001]|zqx[0-9]+xqz")
_BLANK = re.compile("[\xa0\\s]+")
_SAID = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)


class Pieces:
    """The pieces that were set aside, in their order."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def set_aside(self, text: str) -> str:
        """The text with a mark where each piece was."""
        return PIECE.sub(lambda found: self.keep(found[0]), without_marks(text))

    def keep(self, piece: str) -> str:
        """The mark that stands for a piece."""
        self._kept.append(piece)
        return f"\ue000{len(self._kept) - 1}\ue001"

    def word(self, html: str) -> str:
        r"""A word of ASCII that stands for a whole text or attribute, marks and all.

        mrml reads XML, and writes attributes as Rust would a string (`\u{301}`): it sees neither.
        """
        self._kept.append(html)
        return f"zqx{len(self._kept) - 1}xqz"

    def put_back_words(self, html: str) -> str:
        """The page with what its words stand for."""
        return _WORD.sub(lambda found: self._kept[int(found[1])], html)

    def put_back(self, text: str, form: Callable[[str], str] = str) -> str:
        """The text with its pieces where their marks are, each in the given form."""
        return MARK.sub(lambda found: form(self._kept[int(found[1])]), text)

    def at(self, text: str, place: int) -> str:
        """The piece whose mark stands at that place."""
        found = MARK.match(text, place)
        return self._kept[int(found[1])] if found else ""

    def put_back_links(self, html: str) -> str:
        """Put back those that begin an address, so that they can only be one of the web or mail."""
        return _LEADING.sub(lambda found: found[1] + as_link(self._kept[int(found[2])]), html)


_LEADING = re.compile(
    "(\\b(?:href|src|background|action|formaction)\\s*=\\s*[\"']?\\s*)\ue000([0-9]+)\ue001",
    re.IGNORECASE,
)


def as_link(piece: str) -> str:
    """An output whose value is an address, or nothing; other pieces as they are."""
    said = _SAID.fullmatch(piece)
    return f"{{{{ {said[1]} | as_link }}}}" if said else piece


def without_marks(text: str) -> str:
    """The text without the letters that marks are made of."""
    return _OURS.sub("", text)


def literal(html: str) -> str:
    """HTML that is no template: its braces say nothing to Liquid."""
    return html.replace("{{", "{ {").replace("{%", "{ %")


def set_aside_rich(html: str, pieces: Pieces) -> str:
    """Rich text with marks: an editor writes a piece's quotes, blanks and `<` as entities."""
    return _RICH_PIECE.sub(
        lambda found: pieces.keep(_BLANK.sub(" ", unescape(found[0]))), without_marks(html)
    )


def rich_form(piece: str) -> str:
    """A piece as rich text keeps it."""
    return escape(piece)
