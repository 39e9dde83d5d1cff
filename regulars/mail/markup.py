"""A letter's words, as plain text and as HTML that looks like a letter and not like an advert."""

from __future__ import annotations

import re
from html import escape

_LINK = re.compile(r"https?://[^\s<>\"'\x00-\x20]{1,2000}")
_TRAILING = ".,;:!?)]}»”’…"

_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
</head>
<body>
<div dir="auto" style="{letter}">
{parts}
</div>
</body>
</html>
"""
_LETTER = (
    "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
    "font-size:15px;line-height:1.5;max-width:640px"
)
_QUOTE = "margin:8px 0 0;padding:0 0 0 12px;border-left:2px solid #c5c1b8;color:#767676"
_SMALL = "margin:24px 0 0;font-size:13px;color:#767676"
_PARAGRAPH = "margin:0 0 12px"


def both(text: str, *, quoted_as: str, quoted: str, footer: str) -> tuple[str, str]:
    """The letter as text and as HTML: what is said, the footer, what is answered."""
    plain, rich = [text], [_paragraphs(text)]
    if footer:
        # The mark of a signature (RFC 3676, 4.3): mail programs leave it out of answers.
        plain.append(f"-- \n{footer}")
        rich.append(f'<p style="{_SMALL}">{_lines(footer)}</p>')
    if quoted:
        quote = "\n".join(f"> {line}" if line else ">" for line in quoted.split("\n"))
        plain.append(f"{quoted_as}\n{quote}" if quoted_as else quote)
        rich.append(
            '<div class="regulars_quote">'
            f'<p style="{_SMALL}">{escape(quoted_as)}</p>'
            f'<blockquote type="cite" style="{_QUOTE}">{_paragraphs(quoted)}</blockquote></div>'
        )
    return "\n\n".join(plain), _PAGE.format(letter=_LETTER, parts="\n".join(rich))


def _paragraphs(text: str) -> str:
    return "\n".join(
        f'<p style="{_PARAGRAPH}">{_lines(one)}</p>'
        for one in re.split(r"\n{2,}", text)
        if one.strip()
    )


def _lines(text: str) -> str:
    return "<br>\n".join(_linked(line) for line in text.split("\n"))


def _linked(text: str) -> str:
    """Escaped, with its web addresses to be clicked."""
    pieces, place = [], 0
    for found in _LINK.finditer(text):
        address = found[0].rstrip(_TRAILING)
        pieces.append(escape(text[place : found.start()]))
        pieces.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        place = found.start() + len(address)
    pieces.append(escape(text[place:]))
    return "".join(pieces)
