"""Compiles a content once, then fills it in for each person. Pure.

    compiled = compile_content(content, look, marketing=True)
    for each person:
        mail = compiled.render({"person": {…}, "unsubscribe_url": "https://…"})
        mail.subject, mail.html, mail.text

MJML, style sheets and the plain-text part are made at the first step; what is left is Liquid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from regulars.mail import clean
from regulars.mail.content import mjml, page, plain_part, rich
from regulars.mail.content.blocks import Block, Footer, written
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError, RenderError
from regulars.mail.content.liquid_engine import Program, Said
from regulars.mail.content.look import Look
from regulars.mail.content.pieces import Pieces, literal
from regulars.mail.content.sheet import FONT, SOFT

MOST_SUBJECT = 250  # letters

_LIQUID = re.compile(r"\{[{%]")
_ASKS_TO_LEAVE = re.compile(r"\{\{[^}]*\bunsubscribe_url\b")
_SAYS_ADDRESS = re.compile(r"\{\{[^}]*\bcompany\.address\b")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as one person gets it. The subject is one clean line."""

    subject: str
    html: str
    text: str


class Compiled:
    """A content that is ready to be filled in, any number of times, by any thread."""

    __slots__ = (
        "_common", "_html", "_preheader", "_subject", "_text", "asked", "paths", "said", "template",
    )  # fmt: skip

    def __init__(self, content: Content, html: str, text: str, common: Mapping[str, Any]) -> None:
        field = "source" if content.format == "html" else "blocks"
        self._subject = Program(content.subject, "subject", html=False)
        self._html = Program(html, field, html=True)
        self._text = Program(text, "text", html=False)
        self._preheader = Program(content.preheader, "preheader", html=False)
        self._common = common
        self.template = html  # what is filled in: HTML and Liquid
        # Every fact that is asked for, such as ("person", "first_name").
        self.paths: tuple[tuple[Any, ...], ...] = tuple(
            dict.fromkeys((*self._subject.paths, *self._html.paths, *self._text.paths))
        )
        self.asked = frozenset(path[0] for path in self.paths)

        # Those that are put into it, with what stands for them where they are unknown.
        self.said: tuple[Said, ...] = (*self._subject.said, *self._html.said, *self._text.said)

    def preheader(self, facts: Mapping[str, Any]) -> str:
        """What mailboxes show behind the subject. Raises RenderError."""
        return clean.line(self._preheader.render({**self._common, **facts}), MOST_SUBJECT)

    def render(self, facts: Mapping[str, Any]) -> Rendered:
        """The mail for these facts. Raises RenderError, which says where."""
        known = {**self._common, **facts}
        return Rendered(
            clean.line(self._subject.render(known), MOST_SUBJECT),
            self._html.render(known),
            self._text.render(known),
        )


def compile_content(
    content: Content, look: Look, *, marketing: bool, anchors: bool = False
) -> Compiled:
    """Make it ready. Marketing mail gets its footer where it has none.

    With `anchors`, each block is named by a class, such as `r-at-3`: for an editor's preview.

    Raises ContentError, whose field says where: `subject`, `blocks.2.html`, `source`.
    """
    for field, source, is_html in sources(content):
        Program(source, field, html=is_html)
    if content.format == "html":
        html, text = _own(content, look, marketing=marketing)
    else:
        html, text = _built(content, look, marketing=marketing, anchors=anchors)
    return Compiled(content, html, _text_of(content, text, look, marketing), _common(look))


def sources(content: Content) -> Iterator[tuple[str, str, bool]]:
    """Each field that may hold Liquid: its path, what it says, and whether it is HTML."""
    yield "subject", content.subject, False
    yield "preheader", content.preheader, True
    if content.text is not None:
        yield "text", content.text, False
    if content.format == "html":
        yield "source", content.source, True
        return
    for place, block in enumerate(content.blocks):
        for path, said in _texts(written(block)):
            if _LIQUID.search(said):
                marked = Pieces()
                yield f"blocks.{place}.{path}", _as_written(path, said, marked), True


def place_of_failure(content: Content, facts: Mapping[str, Any], look: Look) -> RenderError | None:
    """The field that can't be filled in with these facts, by filling in each alone."""
    known = {**_common(look), **facts}
    for field, source, is_html in sources(content):
        try:
            Program(source, field, html=is_html).render(known)
        except RenderError as wrong:
            return wrong
    return None


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{place}")


def _as_written(path: str, said: str, pieces: Pieces) -> str:
    """Rich text's Liquid stands in it as entities; here it reads as it was written."""
    if path.rpartition(".")[2] != "html":
        return said
    return pieces.put_back(rich.marked(said, pieces))


def _common(look: Look) -> dict[str, Any]:
    return {
        "company": {"name": look.name, "address": look.address},
        "project": {"name": look.name},
    }


def _built(content: Content, look: Look, *, marketing: bool, anchors: bool) -> tuple[str, str]:
    blocks: tuple[Block, ...] = content.blocks
    if marketing and not any(isinstance(one, Footer) for one in blocks):
        blocks = (*blocks, Footer(id="the-footer"))
    pieces = Pieces()
    html = page.of_mjml(
        mjml.Sheet(content, look, pieces, anchors=anchors).mjml(blocks), look, pieces
    )
    return html, plain_part.of_blocks(blocks, look)


def _own(content: Content, look: Look, *, marketing: bool) -> tuple[str, str]:
    pieces = Pieces()
    marked = page.of_source(content.source, pieces)
    text = plain_part.of_page(marked, pieces)
    html = page.finished(marked, pieces)
    if content.preheader and not re.search(r"<mjml[\s>]", content.source):
        html = _with_preheader(html, content.preheader)
    if marketing:
        leaves, says = _ASKS_TO_LEAVE.search(html), _says_address(html, look)
        if not (leaves and says):
            html = page.with_end(html, _footer(look, leave=not leaves, says=not says))
            text += "\n" + plain_part.footer(look, ways_out=not leaves) + "\n"
    return html, text


def _says_address(html: str, look: Look) -> bool:
    if _SAYS_ADDRESS.search(html) or not look.address.strip():
        return True
    return look.address.split("\n", maxsplit=1)[0].strip() in html


def _with_preheader(html: str, preheader: str) -> str:
    pieces = Pieces()
    said = pieces.put_back(escape(pieces.set_aside(preheader)))
    hidden = f'<div style="display:none;max-height:0;overflow:hidden">{said}</div>'
    body = re.search(r"<body[^>]{0,2000}>", html, re.IGNORECASE)
    return hidden + html if body is None else html[: body.end()] + hidden + html[body.end() :]


def _footer(look: Look, *, leave: bool, says: bool) -> str:
    told = [look.name, *look.address.split("\n")] if says else []
    owner = literal("<br>".join(escape(one) for one in told if one.strip()))
    style = f"padding:20px 12px;font:13px/20px {FONT};color:{SOFT};text-align:center"
    owned = f"<p>{owner}</p>" if owner else ""
    return f'<div style="{style}">{owned}{mjml.WAYS_OUT if leave else ""}</div>'


def _text_of(content: Content, made: str, look: Look, marketing: bool) -> str:  # noqa: FBT001
    """The plain-text part: somebody's own with its footer, or the one that was made."""
    if content.text is None:
        return made
    if marketing and not _ASKS_TO_LEAVE.search(content.text):
        return f"{content.text.rstrip()}\n\n{plain_part.footer(look)}\n"
    return content.text


__all__ = ["Compiled", "ContentError", "RenderError", "Rendered", "compile_content"]
