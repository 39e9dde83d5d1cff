"""What a mail says, before it is filled in for anybody: subject, blocks or HTML, plain text. Pure.

    content = Content.from_json({"format": "blocks", "subject": "Hi {{ person.first_name }}",
                                 "blocks": [{"type": "text", "html": "<p>Welcome.</p>"}]})

`from_json` takes what people and programs send; `to_json` gives back what it understood.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from regulars.mail import clean
from regulars.mail.content import blocks
from regulars.mail.content.blocks import Block, Text
from regulars.mail.content.errors import ContentError
from regulars.mail.content.pieces import without_marks

Format = Literal["blocks", "html"]
Layout = Literal["letter", "plain"]

MOST_SOURCE = 200_000  # letters
MOST_TEXT = 100_000

_FIELDS = frozenset({"format", "subject", "preheader", "layout", "blocks", "source", "text"})
_HOLDS_TAGS = re.compile(
    r"</?[a-zA-Z][a-zA-Z0-9-]{0,20}(?:\s[^<>]{0,2000})?/?>|<!doctype", re.IGNORECASE
)
_APART = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Content:
    """A mail to be filled in. `text` is its plain-text part; None: it is made from the rest."""

    format: Format = "blocks"
    subject: str = ""
    preheader: str = ""  # what mailboxes show behind the subject
    layout: Layout = "letter"  # blocks on paper under the project's name, or like from a person
    blocks: tuple[Block, ...] = ()
    source: str = ""  # HTML and Liquid, or MJML and Liquid
    text: str | None = None

    @classmethod
    def from_json(cls, data: Any) -> Content:
        """What JSON says. Raises ContentError, which names the field."""
        if not isinstance(data, Mapping):
            raise ContentError("content", "A content is an object.")
        for name in data:
            if name not in _FIELDS:
                raise ContentError(str(name)[:60], "There is no such field.")
        format_ = data.get("format", "blocks")
        if format_ not in ("blocks", "html"):
            raise ContentError("format", "The format is blocks or html.")
        layout = data.get("layout", "letter")
        if layout not in ("letter", "plain"):
            raise ContentError("layout", "The layout is letter or plain.")
        text = data.get("text")
        return cls(
            format=format_,
            subject=blocks.line("subject", data.get("subject", "")),
            preheader=blocks.line("preheader", data.get("preheader", "")),
            layout=layout,
            blocks=blocks.read(data.get("blocks", ())),
            source=_lines("source", data.get("source", ""), MOST_SOURCE),
            text=None if text is None else _lines("text", text, MOST_TEXT),
        )

    @classmethod
    def of_text(cls, subject: str, body: str) -> Content:
        """A plain letter of text as it was typed, Liquid included. Raises ContentError."""
        said = _lines("body", body, blocks.MOST_RICH // 2)
        paragraphs = (
            "<br>".join(html.escape(line, quote=False) for line in one.split("\n"))
            for one in _APART.split(said.strip())
        )
        rich = "".join(f"<p>{one}</p>" for one in paragraphs)
        return cls.from_json(
            {
                "subject": subject,
                "layout": "plain",
                "blocks": [{"type": "text", "id": "text", "html": rich}],
            }
        )

    @classmethod
    def of_body(cls, subject: str, body: str) -> Content:
        """What programs send: HTML where it holds tags, else text. Raises ContentError."""
        if not isinstance(body, str):
            raise ContentError("body", "This must be text.")
        if not _HOLDS_TAGS.search(body):
            return cls.of_text(subject, body)
        said = _lines("body", body, MOST_SOURCE)
        return cls.from_json({"format": "html", "subject": subject, "source": said})

    def to_json(self) -> dict[str, Any]:
        """The same as JSON; `from_json` reads it back."""
        return {
            "format": self.format,
            "subject": self.subject,
            "preheader": self.preheader,
            "layout": self.layout,
            "blocks": [blocks.written(one) for one in self.blocks],
            "source": self.source,
            "text": self.text,
        }

    def place_of(self, field: str) -> tuple[int, Block] | None:
        """The block that a field's path leads into, and its place."""
        parts = field.split(".")
        if len(parts) > 1 and parts[0] == "blocks" and parts[1].isdecimal():
            place = int(parts[1])
            if place < len(self.blocks):
                return place, self.blocks[place]
        return None


def _lines(field: str, value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise ContentError(field, "This must be text.")
    if len(value) > most:
        raise ContentError(field, f"This can have {most:,} letters at most.")
    return clean.lines(without_marks(value), most)


__all__ = ["Block", "Content", "Format", "Layout", "Text"]
