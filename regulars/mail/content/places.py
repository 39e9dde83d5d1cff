"""Where an output stands in somebody's own HTML: only where escaping keeps it from being markup.

That is in text and in quoted attributes. In a tag outside quotes, in a script or in a style sheet a
fact could say more than it should, so an output there is refused when the mail is written. Pure.
"""

from __future__ import annotations

import re

from regulars.mail.content.errors import ContentError
from regulars.mail.content.pieces import MARK, Pieces

_TAG = re.compile(r"</?([a-zA-Z][^\s/>\ue000]{0,60})")
_STOP = re.compile("[>\"'\ue000]")
_SHUT = frozenset({"script", "style", "xmp", "iframe", "noscript", "noembed", "noframes"})


def check(marked: str, pieces: Pieces) -> None:
    """Go through the page once. Raises ContentError, which names the line."""
    place = 0
    while (opening := marked.find("<", place)) >= 0:
        if marked.startswith("<!--", opening):
            closed = marked.find("-->", opening)
            place = len(marked) if closed < 0 else closed + 3
            continue
        named = _TAG.match(marked, opening)
        if named is None:
            place = opening + 1
            if marked.startswith("\ue000", place + marked.startswith("/", place)):
                _refuse(marked, place + marked.startswith("/", place), pieces, in_tag=True)
            continue
        place = _behind_tag(marked, named.end(), pieces)
        if named[1].lower() in _SHUT and marked[opening + 1] != "/":
            place = _behind_shut(marked, place, named[1], pieces)


def _behind_tag(marked: str, place: int, pieces: Pieces) -> int:
    while (stop := _STOP.search(marked, place)) is not None:
        place = stop.end()
        if stop[0] == ">":
            return place
        if stop[0] == "\ue000":
            _refuse(marked, stop.start(), pieces, in_tag=True)
        elif marked[: stop.start()].endswith("=") or marked[stop.start() - 1].isspace():
            closed = marked.find(stop[0], place)
            if closed < 0:
                return len(marked)
            place = closed + 1
    return len(marked)


def _behind_shut(marked: str, place: int, name: str, pieces: Pieces) -> int:
    closed = re.compile(f"</{name}", re.IGNORECASE).search(marked, place)
    end = closed.start() if closed else len(marked)
    for found in MARK.finditer(marked, place, end):
        _refuse(marked, found.start(), pieces, in_tag=False)
    return end


def _refuse(marked: str, at: int, pieces: Pieces, *, in_tag: bool) -> None:
    """Refuse an output; tags such as `{% if %}` say nothing by themselves."""
    piece = pieces.at(marked, at)
    if not piece.startswith("{{"):
        return
    line = pieces.put_back(marked[:at]).count("\n") + 1
    where = "inside a tag only in quotes" if in_tag else "in a text or an attribute"
    raise ContentError("source", f"Line {line}: {piece[:60]} can stand {where}.")
