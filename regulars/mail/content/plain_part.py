"""The plain-text part of a mail, made from its blocks or from its HTML, Liquid and all. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from regulars.mail import plain
from regulars.mail.content import rich
from regulars.mail.content.blocks import (
    Block,
    Button,
    Columns,
    Divider,
    Footer,
    Heading,
    Image,
    Rows,
    Scale,
    Text,
)
from regulars.mail.content.look import Look
from regulars.mail.content.pieces import Pieces, literal

WAYS_OUT = (
    "{% if unsubscribe_url and unsubscribe_url != '' %}\nUnsubscribe: {{ unsubscribe_url }}"
    "{% endif %}"
    "{% if preferences_url and preferences_url != '' %}\nChoose what we send: {{ preferences_url }}"
    "{% endif %}"
)
_HEAD = re.compile(r"<head[\s>].*?</head\s*>", re.IGNORECASE | re.DOTALL)
_HIDDEN = re.compile(
    r"<(div|span)[^>]{0,500}display:\s{0,3}none[^>]{0,500}>[^<]{0,2000}</\1>", re.IGNORECASE
)
_A_LINK = re.compile(
    r"""(<a\s[^>]{0,1000}?href\s*=\s*["']?\s*)\ue000([0-9]+)\ue001""",
    re.IGNORECASE,
)
# Stands for an address that Liquid begins, since the reader shows only addresses of the web.
_STANDS_FOR = "https://\ue000{}\ue001.mark"
_STOOD = re.compile("https://(\ue000[0-9]+\ue001)\\.mark", re.IGNORECASE)


def of_blocks(blocks: Sequence[Block], look: Look) -> str:
    """What blocks say, as text with Liquid."""
    parts: list[str] = []
    for block in blocks:
        said = "\n".join(_said(block, look)).strip("\n")
        if said:
            parts.append(said)
    return "\n\n".join(parts) + "\n"


def of_page(marked: str, pieces: Pieces) -> str:
    """What an HTML page with marks says, as text with Liquid."""
    shown = _HIDDEN.sub("", _HEAD.sub("", marked))
    led = _A_LINK.sub(lambda found: found[1] + _STANDS_FOR.format(found[2]), shown)
    return pieces.put_back(_STOOD.sub(r"\1", plain.from_html(led))).strip("\n") + "\n"


def footer(look: Look, why: str = "", *, ways_out: bool = True) -> str:
    """What stands at the end: why they get this, whose mail it is, how to leave."""
    owner = [one for one in (look.name, *look.address.split("\n")) if one.strip()]
    told = [why, literal(", ".join(owner))]
    return "-- \n" + "\n".join(one for one in told if one) + (WAYS_OUT if ways_out else "")


def _said(block: Block, look: Look) -> Iterator[str]:  # noqa: C901 - a case a kind
    match block:
        case Text():
            said = _of_rich(block.html)
            yield re.sub(r"^", "> ", said, flags=re.MULTILINE) if block.look == "quote" else said
        case Heading():
            yield _loud(block.text) if block.level == 1 else block.text
        case Image():
            if block.href:
                yield _link(block.alt, block.href)
        case Button():
            yield _link(block.label, block.href)
        case Columns():
            for one in block.columns:
                title = _link(one.title, one.href) if one.href else one.title
                words = _of_rich(one.html).replace("\n", " ")
                yield "- " + ": ".join(part for part in (title, words) if part)
        case Rows():
            yield from (f"{row.label}: {row.value}" for row in block.rows)
        case Scale():
            ends = ", ".join(one for one in (block.low, block.high) if one)
            yield f"0 to 10 ({ends}):" if ends else "0 to 10:"
            yield from (f"{number}: {block.href}{number}" for number in range(11))
        case Divider():
            yield "---"
        case Footer():
            yield footer(look, _of_rich(block.html))


def _of_rich(html: str) -> str:
    pieces = Pieces()
    return of_page(rich.marked(html, pieces), pieces).strip("\n")


def _link(words: str, address: str) -> str:
    return ": ".join(one for one in (words, address) if one)


def _loud(text: str) -> str:
    """Letters of a heading, large; what a fact says stays as it is."""
    pieces = Pieces()
    return pieces.put_back(pieces.set_aside(text).upper())
