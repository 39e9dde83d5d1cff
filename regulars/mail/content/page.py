"""From MJML, or from somebody's own HTML, to the page that is sent: Liquid whole, CSS inline. Pure.

Own HTML is taken as it is. Where it has a style sheet, that is written into the elements too, for
mail programs that drop it; rules that only media queries can say stay in the head.
"""

from __future__ import annotations

import re
from functools import lru_cache

import css_inline
import mrml

from regulars.mail.content import places, sheet
from regulars.mail.content.errors import ContentError
from regulars.mail.content.look import Look
from regulars.mail.content.pieces import MARK, Pieces

# Without these, mrml asks Google for a font that is named like one of its.
_NO_FONTS = mrml.RenderOptions(fonts={})
_MJML = re.compile(r"\s*(?:<!--.{0,2000}?-->\s*)?<mjml[\s>]", re.DOTALL)
_NOT_ASCII = re.compile("[^\x00-\x7f]+")
_STYLE = re.compile(r"<style[\s>]", re.IGNORECASE)
# Marks that an HTML parser would move out of a table, and what becomes of those inside a tag.
_MOVED = re.compile(
    "</?(?:table|tbody|thead|tfoot|tr)(?:\\s[^>]{0,2000})?>\\s*\ue000"
    "|\ue001\\s*(?:<(?:tbody|thead|tfoot|tr|td|th)[\\s>]|</(?:tbody|thead|tfoot|tr|table)[\\s>])"
    '|\ue001=""',
    re.IGNORECASE,
)
# A line that is longer has to be encoded for each recipient (mail/newsletter.py).
_LONG_LINE = re.compile("[^\n]{700}")
_TAG = re.compile(r"<([a-z][a-z0-9]*) (?=[a-z])")
_BODY_ENDS = re.compile(r"</body\s*>", re.IGNORECASE)


def of_mjml(mjml: str, look: Look, pieces: Pieces) -> str:
    """The page of a content's blocks."""
    made = mrml.to_html(mjml, render_options=_NO_FONTS).content
    whole = pieces.put_back_words(made)
    inlined = _inliner(sheet.inlined(look)).inline(whole)
    return finished(inlined.replace("\u200a", "&#8202;"), pieces)  # as mrml said it: mail is ASCII


def of_source(source: str, pieces: Pieces) -> str:
    """The page of somebody's own MJML or HTML. Raises ContentError."""
    marked = pieces.set_aside(source)
    if _MJML.match(marked):
        words = _NOT_ASCII.sub(lambda found: pieces.word(found[0]), marked)
        try:
            made = mrml.to_html(words, render_options=_NO_FONTS).content
        except OSError as wrong:
            raise ContentError("source", f"This MJML can't be read: {wrong}.") from wrong
        marked = pieces.put_back_words(made)
    places.check(marked, pieces)
    if not _STYLE.search(marked) or _MOVED.search(marked):
        return marked
    inlined = _inliner_of_sheets().inline(marked)
    kept = MARK.findall(inlined) == MARK.findall(marked) and not _MOVED.search(inlined)
    return inlined if kept else marked


def finished(marked: str, pieces: Pieces) -> str:
    """The page with its Liquid back in place: a template."""
    if _LONG_LINE.search(marked):
        marked = _TAG.sub(r"<\1\n", marked)  # where a line's end is but a blank
    return pieces.put_back(pieces.put_back_links(marked))


def with_end(page: str, end: str) -> str:
    """The page with something more at its end."""
    last = None
    for found in _BODY_ENDS.finditer(page):
        last = found
    return page + end if last is None else page[: last.start()] + end + page[last.start() :]


@lru_cache(maxsize=64)
def _inliner(css: str) -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False, extra_css=css
    )


@lru_cache(maxsize=1)
def _inliner_of_sheets() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False
    )
