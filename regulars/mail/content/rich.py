"""The rich text of blocks: a little markup and Liquid, whatever was sent. Pure."""

from __future__ import annotations

import re

import nh3

from regulars.mail.content.pieces import Pieces, rich_form, set_aside_rich

MOST_MARKS = 4_000  # deep nests cost more than they say

_TAGS = {"p", "br", "b", "strong", "i", "em", "u", "s", "ul", "ol", "li", "code", "a"}
_BLOCKS = ("div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "section", "article")
_BLOCK = re.compile(rf"<(/?)(?:{'|'.join(_BLOCKS)})>")
_ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "*": set()}
_ADDRESS = re.compile("https?://|mailto:|tel:|\ue000", re.IGNORECASE)
_EMPTY = re.compile(r"<p>(?:\s|\xa0|&nbsp;|<br>)*</p>")
_BARE = re.compile(r"\s*<(?:p|ul|ol)>")


class TooMuchError(ValueError):
    """More markup than anybody writes."""


def clean(given: str) -> str:
    """The same without what could do harm, its Liquid whole. Raises TooMuchError."""
    pieces = Pieces()
    return pieces.put_back(marked(given, pieces), rich_form)


def marked(given: str, pieces: Pieces) -> str:
    """Clean rich text with marks where its Liquid was."""
    if given.count("<") > MOST_MARKS:
        raise TooMuchError
    aside = set_aside_rich(given, pieces)
    widened = nh3.clean(aside, tags=_TAGS | set(_BLOCKS), attributes=_ATTRIBUTES)
    made = _EMPTY.sub("", _strict(_BLOCK.sub(r"<\1p>", widened))).strip()
    return made if not made or _BARE.match(made) else f"<p>{made}</p>"


def _strict(text: str) -> str:
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
        attribute_filter=lambda _tag, _name, value: value if _ADDRESS.match(value) else None,
    )
