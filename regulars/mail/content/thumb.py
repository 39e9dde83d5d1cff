"""A small picture of a content, as the shapes that it is drawn from. Pure.

The picture is 160 by 200; a shape is `[kind, x, y, width, height]`. Kinds: `brand`, `h` a heading,
`l` a line of text, `img`, `btn`, `rule`, `q` the bar of a quote, `sc` a step of a scale, `f` a line
of the footer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from regulars.mail.content.blocks import (
    Block,
    Button,
    Columns,
    Divider,
    Heading,
    Image,
    Rows,
    Scale,
    Spacer,
    Text,
)
from regulars.mail.content.content import Content

Shape = tuple[str, int, int, int, int]

_LEFT, _WIDE = 20, 120
_BOTTOM = 168
_MOST = 60
_TAGS = re.compile(r"<[^>]*>")
_PER_LINE = 44  # letters
_PARAGRAPH = re.compile(r"</(?:p|li|ul|ol)>")


def facts(content: Content) -> list[Shape]:
    """The shapes, from the top."""
    return list(islice(_shapes(content), _MOST))


def _shapes(content: Content) -> Iterator[Shape]:
    paper = content.layout == "letter" and content.format == "blocks"
    if paper:
        yield "brand", _LEFT, 17, 22, 4
    y = 42 if paper else 24
    blocks = content.blocks if content.format == "blocks" else (_of_source(content.source),)
    for block in blocks:
        for shape in _of(block, y):
            if shape[2] + shape[4] > _BOTTOM:
                break
            yield shape
        y += _height(block)
        if y > _BOTTOM:
            break
    yield "f", _LEFT, 180, 70, 3
    yield "f", _LEFT, 187, 46, 3


def _of_source(source: str) -> Block:
    return Text(id="source", html=_TAGS.sub(" ", source[:2_000])[:400])


def _of(block: Block, y: int) -> Iterator[Shape]:  # noqa: C901, PLR0912 - a case a kind
    match block:
        case Heading():
            yield "h", _LEFT, y, min(30 + 3 * len(block.text), _WIDE), 6
        case Text():
            indent = 8 if block.look == "quote" else 0
            if indent:
                yield "q", _LEFT, y - 2, 2, _height(block) - 6
            for number, width in enumerate(_lines(block)):
                yield "l", _LEFT + indent, y + 9 * number, width - indent, 3
        case Image():
            yield "img", _LEFT, y - 4, _WIDE, 44
        case Button():
            yield "btn", _LEFT, y, min(24 + 2 * len(block.label), 90), 14
        case Columns():
            each = _WIDE // len(block.columns)
            for number in range(len(block.columns)):
                yield "img", _LEFT + each * number, y - 2, each - 6, 30
        case Rows():
            for number in range(min(len(block.rows), 5)):
                yield "l", _LEFT, y + 12 * number, 56, 3
                yield "l", 122, y + 12 * number, 18, 3
                yield "rule", _LEFT, y + 12 * number + 7, _WIDE, 1
        case Scale():
            for number in range(11):
                yield "sc", _LEFT + 11 * number, y, 9, 14
        case Divider():
            yield "rule", _LEFT, y, _WIDE, 1
        case _:
            return


def _lines(block: Text) -> list[int]:
    widths: list[int] = []
    for paragraph in _PARAGRAPH.split(block.html):
        letters = len(_TAGS.sub("", paragraph).strip())
        if not letters:
            continue
        full, rest = divmod(letters, _PER_LINE)
        widths += [_WIDE - 4 - 6 * (number % 2) for number in range(min(full, 4))]
        widths.append(max(20, rest * _WIDE // _PER_LINE))
    return widths[:6]


def _height(block: Block) -> int:  # noqa: PLR0911 - a case a kind
    match block:
        case Heading():
            return 18
        case Text():
            return 9 * len(_lines(block)) + 8
        case Image():
            return 54
        case Button():
            return 26
        case Columns():
            return 40
        case Rows():
            return 12 * min(len(block.rows), 5) + 8
        case Scale():
            return 24
        case Spacer():
            return block.height // 6
    return 8
