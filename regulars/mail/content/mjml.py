"""Blocks as MJML (https://documentation.mjml.io), under the project's name on paper: one layout
that reads by day and by night, with pictures and without, wide and narrow. Pure.

Class names that begin with `r-` are what the style sheet in `sheet.py` knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from regulars.mail.content import rich, sheet
from regulars.mail.content.blocks import (
    Block,
    Button,
    Column,
    Columns,
    Divider,
    Footer,
    Heading,
    Image,
    Rows,
    Scale,
    Spacer,
    Text,
)
from regulars.mail.content.content import Content
from regulars.mail.content.look import Look
from regulars.mail.content.pieces import Pieces, literal, without_marks

_SIDE = 40  # pixels between the paper's edge and its words
_PLAIN_SIDE = 12  # the same of a letter without paper: some mail programs leave no margin at all
_WIDE = 600
_BELOW = {"less": 6, "normal": 18, "more": 36}
_ALIGN = {"start": "left", "center": "center", "end": "right"}


class Sheet:
    """Writes one content as MJML; `pieces` keeps its Liquid."""

    def __init__(
        self, content: Content, look: Look, pieces: Pieces, *, anchors: bool = False
    ) -> None:
        self._places = (
            {one.id: place for place, one in enumerate(content.blocks)} if anchors else {}
        )
        self._content = content
        self._look = look
        self._pieces = pieces
        self._paper = content.layout == "letter"
        self._side = _SIDE if self._paper else _PLAIN_SIDE
        # Without paper it begins at the left, however wide the window, as a person's letter does.
        self._css = "r-side" if self._paper else "r-bare"

    def mjml(self, blocks: Sequence[Block]) -> str:
        """The whole page."""
        content, look = self._content, self._look
        footers = [one for one in blocks if isinstance(one, Footer)]
        body = "".join(self._sections([one for one in blocks if not isinstance(one, Footer)]))
        feet = "".join(self._anchored(one, self._footer(one)) for one in footers)
        ground = sheet.GROUND if self._paper else sheet.PAPER
        preview = self._preview(content.preheader)
        return (
            f'<mjml lang="en"><mj-head><mj-title>{self._line(content.subject)}</mj-title>'
            f"<mj-preview>{preview}</mj-preview>{sheet.head(look, paper=self._paper)}</mj-head>"
            f'<mj-body width="{_WIDE}px" background-color="{ground}" css-class="r-ground">'
            f"{self._brand()}{self._on_paper(body)}{feet}"
            "</mj-body></mjml>"
        )

    def _preview(self, preheader: str) -> str:
        """What mailboxes show behind the subject, and nothing of the mail's own words behind it."""
        if not preheader.strip():
            return ""
        nothing = self._pieces.keep(_NOTHING_MORE)  # as entities: a mail of ASCII stays one
        return self._pieces.word(escape(self._pieces.set_aside(preheader)) + nothing)

    def _brand(self) -> str:
        """The project's logo, or its name: a picture that is off still says whose mail it is."""
        if not self._paper:
            return _section('<mj-column><mj-spacer height="20px" /></mj-column>', padding="0")
        look = self._look
        shown = (
            f'<mj-image src="{self._at(look.logo_url)}" alt="{self._name()}" '
            f'width="{look.logo_width}px" align="left" padding="0" font-size="20px" '
            f'css-class="r-logo" />'
            if look.logo_url
            else f'<mj-text css-class="r-brand" padding="0" font-size="20px" font-weight="700" '
            f'letter-spacing="-0.5px" color="{look.letters}">{self._name()}</mj-text>'
        )
        column = f"<mj-column>{shown}</mj-column>"
        return _section(column, padding=f"28px {_SIDE}px 18px", css="r-side")

    def _name(self) -> str:
        return self._pieces.word(literal(escape(without_marks(self._look.name))))

    def _on_paper(self, body: str) -> str:
        if not self._paper:
            return body
        return (
            f'<mj-wrapper background-color="{sheet.PAPER}" border-radius="14px" '
            f'border-top="5px solid {self._look.ink}" padding="0 0 22px" '
            f'css-class="r-paper">{body}</mj-wrapper>'
        )

    def _sections(self, blocks: Sequence[Block]) -> Iterator[str]:
        """Blocks one below the other share a section; columns and edge pictures have their own."""
        run: list[str] = []
        top = 36 if self._paper else 0
        for block in blocks:
            if isinstance(block, Columns):
                if run:
                    yield self._run(run, top)
                    top = 0
                yield self._anchored(block, self._columns(block, top))
                run, top = [], 0
            elif isinstance(block, Image) and block.edge and self._paper:
                if run:
                    yield self._run(run, top)
                yield self._anchored(block, self._edge(block))
                run, top = [], 30 - _BELOW["normal"] + _BELOW[block.space]
            else:
                run.append(self._stacked(block))
        if run:
            yield self._run(run, top)

    def _run(self, parts: Sequence[str], top: int) -> str:
        column = f"<mj-column>{''.join(parts)}</mj-column>"
        return _section(column, padding=f"{top}px {self._side}px 0", css=self._css)

    def _stacked(self, block: Block) -> str:
        return self._anchored(block, self._written(block))

    def _anchored(self, block: Block, mjml: str) -> str:
        """The block, named by a class where that is wanted."""
        if block.id not in self._places:
            return mjml
        return mjml.replace('css-class="', f'css-class="r-at-{self._places[block.id]} ', 1)

    def _written(self, block: Block) -> str:  # noqa: PLR0911 - one for each kind
        match block:
            case Text():
                return self._text(block)
            case Heading():
                return self._heading(block)
            case Image():
                return self._image(block)
            case Button():
                return self._button(block)
            case Rows():
                return self._rows(block)
            case Scale():
                return self._scale(block)
            case Divider():
                return self._divider(block)
            case Spacer():
                return f'<mj-spacer css-class="r-gap" height="{block.height}px" />'
        return ""

    def _text(self, block: Text) -> str:
        css = {"quote": "r-rich r-quote", "small": "r-rich r-small"}.get(block.look, "r-rich")
        size = ' font-size="14px" line-height="21px"' if block.look == "small" else ""
        color = f' color="{sheet.SOFT}"' if block.look != "normal" else ""
        return (
            f'<mj-text css-class="{css}" align="{_ALIGN[block.align]}"{size}{color} '
            f'padding="{_below(block)}">{self._rich(block.html)}</mj-text>'
        )

    def _heading(self, block: Heading) -> str:
        tag = f"h{block.level}"
        return (
            f'<mj-text css-class="r-{tag}" align="{_ALIGN[block.align]}" padding="{_below(block)}">'
            f"<{tag}>{self._line(block.text)}</{tag}></mj-text>"
        )

    def _image(self, block: Image) -> str:
        if not block.src:
            return ""
        width = f' width="{block.width}px"' if block.width else ""
        return (
            f'<mj-image css-class="r-picture" padding="{_below(block)}" '
            f'align="{_ALIGN[block.align]}"{width} border-radius="8px" '
            f"{self._picture(block.src, block.alt, block.href)} />"
        )

    def _edge(self, block: Image) -> str:
        if not block.src:
            return ""
        picture = self._picture(block.src, block.alt, block.href)
        return _section(
            f'<mj-column><mj-image padding="0" css-class="r-picture" {picture} /></mj-column>',
            padding="0",
        )

    def _picture(self, src: str, alt: str, href: str) -> str:
        link = f' href="{self._attribute(href)}"' if href else ""
        return f'src="{self._at(src)}" alt="{self._attribute(alt)}"{link}'

    def _at(self, src: str) -> str:
        """A picture's address: one that is kept here stands behind the installation's own."""
        return self._attribute(f"{self._look.base_url}{src}" if src.startswith("/") else src)

    def _button(self, block: Button) -> str:
        look = self._look
        return (
            f'<mj-button css-class="r-cta" href="{self._attribute(block.href)}" '
            f'align="{_ALIGN[block.align]}" '
            f'background-color="{look.ground}" color="{look.on_ground}" '
            'font-size="16px" font-weight="600" line-height="20px" inner-padding="14px 26px" '
            f'border-radius="9px" padding="6px 0 {_BELOW[block.space] + 6}px">'
            f"{self._line(block.label)}</mj-button>"
        )

    def _divider(self, block: Divider) -> str:
        return (
            f'<mj-divider css-class="r-rule" border-width="1px" border-color="{sheet.RULE}" '
            f'padding="4px 0 {_BELOW[block.space] + 4}px" />'
        )

    def _rows(self, block: Rows) -> str:
        last = len(block.rows) - 1
        lines = []
        for place, row in enumerate(block.rows):
            css = "r-row r-total" if block.total and place == last else "r-row"
            lines.append(
                f'<tr class="{css}"><td class="r-what">{self._line(row.label)}</td>'
                f'<td class="r-much">{self._line(row.value)}</td></tr>'
            )
        return (
            f'<mj-table css-class="r-rows" padding="{_below(block)}" font-size="16px" '
            f'line-height="22px" color="{sheet.INK}">{"".join(lines)}</mj-table>'
        )

    def _scale(self, block: Scale) -> str:
        href = self._attribute(block.href)
        cells = "".join(
            f'<td class="r-step"><a class="r-step-link" href="{href}{number}">{number}</a></td>'
            for number in range(11)
        )
        ends = (
            f'<p class="r-ends"><span class="r-low">{self._line(block.low)}</span>'
            f'<span class="r-high">{self._line(block.high)}</span></p>'
        )
        return (
            f'<mj-table css-class="r-scale" padding="0 0 4px" table-layout="fixed">'
            f"<tr>{cells}</tr></mj-table>"
            f'<mj-text css-class="r-soft" padding="{_below(block)}" font-size="14px" '
            f'line-height="20px" color="{sheet.SOFT}">{ends}</mj-text>'
        )

    def _columns(self, block: Columns, top: int) -> str:
        columns = "".join(self._column(one) for one in block.columns)
        side = max(self._side - 6, 0)
        return _section(
            columns,
            padding=f"{top}px {side}px {_BELOW[block.space] - 6}px",
            css=f"{self._css} r-beside",
        )

    def _column(self, column: Column) -> str:
        parts = []
        if column.src:
            picture = self._picture(column.src, column.alt, column.href)
            parts.append(
                f'<mj-image css-class="r-picture" padding="0 14px 10px" border-radius="6px" '
                f"{picture} />"
            )
        if column.title:
            title = self._line(column.title)
            if column.href:
                title = f'<a href="{self._attribute(column.href)}">{title}</a>'
            parts.append(
                f'<mj-text css-class="r-title" padding="0 14px 2px" font-size="16px" '
                f'line-height="22px" font-weight="600">{title}</mj-text>'
            )
        if column.html:
            parts.append(
                f'<mj-text css-class="r-rich r-soft" padding="0 14px" font-size="14px" '
                f'line-height="21px" color="{sheet.SOFT}">{self._rich(column.html)}</mj-text>'
            )
        inner = f'inner-background-color="{sheet.CELL}" inner-border-radius="8px"'
        return (
            f'<mj-column css-class="r-cell" padding="0 6px 12px" {inner}>'
            f'<mj-spacer height="12px" />{"".join(parts)}<mj-spacer height="12px" /></mj-column>'
        )

    def _footer(self, block: Footer) -> str:
        look = self._look
        owner = "<br>".join(
            escape(without_marks(one))
            for one in (look.name, *look.address.split("\n"))
            if one.strip()
        )
        why = rich.marked(block.html, self._pieces)
        ways = self._pieces.set_aside(WAYS_OUT)
        # A name that holds Liquid's signs is a name all the same: it was not set aside.
        said = self._pieces.word(f'<div class="r-foot">{why}<p>{literal(owner)}</p>{ways}</div>')
        padding = f"22px {_SIDE}px 40px" if self._paper else f"10px {_PLAIN_SIDE}px 30px"
        rule = (
            ""
            if self._paper
            else f'<mj-divider css-class="r-rule" border-width="1px" '
            f'border-color="{sheet.RULE}" padding="0 0 14px" />'
        )
        return _section(
            f'<mj-column>{rule}<mj-text css-class="r-rich r-soft" font-size="13px" '
            f'line-height="20px" color="{sheet.SOFT}" padding="0">{said}</mj-text></mj-column>',
            padding=padding,
            css=self._css,
        )

    def _line(self, text: str) -> str:
        return self._pieces.word(escape(self._pieces.set_aside(text)))

    _attribute = _line

    def _rich(self, html: str) -> str:
        return self._pieces.word(rich.marked(html, self._pieces))


# Blanks that are no blanks to a mailbox, as many as a line of its list may have room for.
_NOTHING_MORE = "&zwnj;&nbsp;" * 60

# The ways out stand only where there is one: a notice that everybody must get has none.
WAYS_OUT = (
    "{% if unsubscribe_url and unsubscribe_url != '' %}"
    '<p><a href="{{ unsubscribe_url | as_link }}">Unsubscribe</a>'
    "{% if preferences_url and preferences_url != '' %}"
    ' or <a href="{{ preferences_url | as_link }}">choose what we send</a>'
    "{% endif %}</p>{% endif %}"
)


def _below(block: Block) -> str:
    return f"0 0 {_BELOW[block.space]}px"


def _section(inner: str, *, padding: str, css: str = "") -> str:
    named = f' css-class="{css}"' if css else ""
    return f'<mj-section padding="{padding}"{named}>{inner}</mj-section>'
