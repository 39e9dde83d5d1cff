"""Messages as the campaign editor's short form has them: paragraphs, and buttons in brackets.

What holds more than that is for the mail editor: here it has no text.
"""

from __future__ import annotations

import html
import re
from typing import Any

from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError

Json = dict[str, Any]

_BUTTON = re.compile(r"\s*\[button:\s*(?P<label>.+?)\s*(?:→|->)\s*(?P<href>\S+)\s*\]\s*")
_TAGS = re.compile(r"<(/?)(p|br)\s*/?>")
_ANY_TAG = re.compile(r"<[a-zA-Z/][^>]*>")


def text_of(content: Json | None) -> str | None:
    """A message as the editor's text; None for one that has more than text and buttons."""
    text = _text_of(content)
    if not content or text is None:
        return text
    same = content_of(content.get("subject", ""), content.get("preheader", ""), text)
    return text if _bare(same) == _bare(content) else None


def _bare(content: Json) -> Any:
    """What a message says, whatever its blocks are called."""
    try:
        said = Content.from_json(content).to_json()
    except ContentError:
        return None
    return said | {
        "blocks": [{k: v for k, v in one.items() if k != "id"} for one in said["blocks"]]
    }


def _text_of(content: Json | None) -> str | None:
    if not content:
        return ""
    if content.get("format", "blocks") != "blocks":
        return None
    parts = []
    for block in content.get("blocks", []):
        if block.get("type") == "text":
            words = _words(block.get("html", ""))
            if words is None:
                return None
            parts.append(words)
        elif block.get("type") == "button":
            parts.append(f"[button: {block.get('label', '')} → {block.get('href', '')}]")
        else:
            return None
    return "\n\n".join(parts)


def content_of(subject: str, preheader: str, text: str) -> Json:
    """The message that the editor's text says."""
    blocks: list[Json] = []
    paragraphs: list[str] = []

    def close() -> None:
        if paragraphs:
            blocks.append(
                {"type": "text", "id": f"text-{len(blocks)}", "html": "".join(paragraphs)}
            )
            paragraphs.clear()

    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        button = _BUTTON.fullmatch(paragraph)
        if button:
            close()
            said = {"label": button["label"], "href": button["href"]}
            blocks.append({"type": "button", "id": f"button-{len(blocks)}", **said})
        elif paragraph.strip():
            lines = (html.escape(line, quote=False) for line in paragraph.split("\n"))
            paragraphs.append(f"<p>{'<br>'.join(lines)}</p>")
    close()
    said = {"format": "blocks", "layout": "plain", "subject": subject, "preheader": preheader}
    return {**said, "blocks": blocks}


def _words(rich: str) -> str | None:
    """The text of simple HTML; None where there is more in it than paragraphs."""
    parts = re.split(r"</p>\s*<p>", re.sub(r"^\s*<p>|</p>\s*$", "", rich))
    lines = ["\n".join(re.split(r"<br\s*/?>", part)) for part in parts]
    if any(_ANY_TAG.search(_TAGS.sub("", line)) for line in lines):
        return None
    return "\n\n".join(html.unescape(line) for line in lines)
