"""The blocks that a mail is built of, as JSON has them and as checked, frozen data. Pure.

Each block is `{"id", "type", …}`. Its texts may hold Liquid, each whole by itself: a tag that opens
in a block closes there, so that blocks can be moved about and a mistake has a place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, ClassVar

from regulars.mail import clean
from regulars.mail.content import rich
from regulars.mail.content.errors import ContentError
from regulars.mail.content.pieces import without_marks

MOST_BLOCKS = 100
MOST_RICH = 20_000  # letters
MOST_LINE = 500
MOST_ADDRESS = 2_000
MOST_ROWS = 30
MOST_COLUMNS = 3
WIDEST = 600  # pixels
TALLEST_GAP = 120

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ADDRESS = re.compile(r"(?:https?://|mailto:|tel:)\S|\{\{|\{%", re.IGNORECASE)
_PICTURE = re.compile(r"(?:https?://|/)\S|\{\{", re.IGNORECASE)

Check = Callable[[str, Any], Any]


def _text(where: str, value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise ContentError(where, "This must be text.")
    if len(value) > most:
        raise ContentError(where, f"This can have {most:,} letters at most.")
    return without_marks(value)


def line(where: str, value: Any) -> str:
    """One line of text."""
    return clean.line(_text(where, value, MOST_LINE), MOST_LINE)


def _rich(where: str, value: Any) -> str:
    try:
        return rich.clean(_text(where, value, MOST_RICH))
    except rich.TooMuchError as wrong:
        raise ContentError(where, "This has more markup than a text can have.") from wrong


def _address(where: str, value: Any) -> str:
    said = _text(where, value, MOST_ADDRESS).strip()
    if said and not _ADDRESS.match(said):
        raise ContentError(where, "A link begins with https://, http://, mailto: or tel:.")
    return said


def _picture(where: str, value: Any) -> str:
    said = _text(where, value, MOST_ADDRESS).strip()
    if said and (not _PICTURE.match(said) or said.startswith("//")):
        raise ContentError(where, "A picture's address begins with https:// or http://.")
    return said


def _switch(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ContentError(where, "This is true or false.")
    return value


def _one_of(*allowed: str) -> Check:
    def check(where: str, value: Any) -> str:
        if value not in allowed:
            raise ContentError(where, f"This is one of {', '.join(allowed)}.")
        return str(value)

    return check


def _whole(least: int, most: int) -> Check:
    def check(where: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ContentError(where, f"This is a whole number from {least} to {most}.")
        return value

    return check


def _list_of(kind: Callable[[str, Any], Any], least: int, most: int) -> Check:
    def check(where: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise ContentError(where, f"This is a list of {least} to {most}.")
        return tuple(kind(f"{where}.{place}", one) for place, one in enumerate(value))

    return check


def _said(check: Check, otherwise: Any = MISSING) -> Any:
    """A field with its check."""
    return field(default=otherwise, metadata={"check": check})


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: what, and how much."""

    label: str = _said(line, "")
    value: str = _said(line, "")


@dataclass(frozen=True, slots=True)
class Column:
    """What stands beside other columns."""

    title: str = _said(line, "")
    html: str = _said(_rich, "")
    src: str = _said(_picture, "")
    alt: str = _said(line, "")
    href: str = _said(_address, "")


def _part(kind: type[Any]) -> Callable[[str, Any], Any]:
    return lambda where, value: kind(**_checked(kind, where, value))


_align = _one_of("start", "center", "end")
_space = _one_of("less", "normal", "more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What all blocks have: an id of their own in the mail, and the space below them."""

    type: ClassVar[str]
    id: str
    space: str = _said(_space, "normal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Block):
    """Paragraphs, lists and links; `look` sets a quote or small print apart."""

    type: ClassVar[str] = "text"
    html: str = _said(_rich, "")
    align: str = _said(_align, "start")
    look: str = _said(_one_of("normal", "quote", "small"), "normal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading(Block):
    type: ClassVar[str] = "heading"
    text: str = _said(line, "")
    level: int = _said(_whole(1, 2), 1)
    align: str = _said(_align, "start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Block):
    """A picture; `width` 0 is as wide as the text, `edge` sets it to the paper's edges."""

    type: ClassVar[str] = "image"
    src: str = _said(_picture, "")
    alt: str = _said(line, "")
    href: str = _said(_address, "")
    width: int = _said(_whole(0, WIDEST), 0)
    align: str = _said(_align, "start")
    edge: bool = _said(_switch, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button(Block):
    type: ClassVar[str] = "button"
    label: str = _said(line, "")
    href: str = _said(_address, "")
    align: str = _said(_align, "start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns(Block):
    """Two or three beside each other; on a phone, below each other."""

    type: ClassVar[str] = "columns"
    columns: tuple[Column, ...] = _said(_list_of(_part(Column), 2, MOST_COLUMNS), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(Block):
    """A small table of two columns, such as a receipt's; `total` makes its last line bold."""

    type: ClassVar[str] = "rows"
    rows: tuple[Row, ...] = _said(_list_of(_part(Row), 1, MOST_ROWS), ())
    total: bool = _said(_switch, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Block):
    """0 to 10 as links: each is `href` with the number behind it."""

    type: ClassVar[str] = "scale"
    href: str = _said(_address, "")
    low: str = _said(line, "")
    high: str = _said(line, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Divider(Block):
    type: ClassVar[str] = "divider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacer(Block):
    type: ClassVar[str] = "spacer"
    height: int = _said(_whole(4, TALLEST_GAP), 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer(Block):
    """Why they get this; below it stand, by themselves, the address and the ways out."""

    type: ClassVar[str] = "footer"
    html: str = _said(_rich, "")


KINDS: Mapping[str, type[Block]] = {
    kind.type: kind
    for kind in (
        Text, Heading, Image, Button, Columns, Rows, Scale, Divider, Spacer, Footer
    )
}  # fmt: skip


def read(given: Any) -> tuple[Block, ...]:
    """Blocks from JSON. Raises ContentError, which names the field: `blocks.2.href`."""
    if not isinstance(given, list | tuple):
        raise ContentError("blocks", "The blocks are a list.")
    if len(given) > MOST_BLOCKS:
        raise ContentError("blocks", f"A mail can have {MOST_BLOCKS} blocks at most.")
    read_ = [_block(f"blocks.{place}", one) for place, one in enumerate(given)]
    seen: set[str] = set()
    for place, one in enumerate(read_):
        if one.id in seen:
            raise ContentError(f"blocks.{place}.id", "Two blocks have the same id.")
        seen.add(one.id)
    return tuple(read_)


def _block(where: str, given: Any) -> Block:
    if not isinstance(given, Mapping):
        raise ContentError(where, "A block is an object.")
    kind = KINDS.get(given["type"]) if isinstance(given.get("type"), str) else None
    if kind is None:
        raise ContentError(f"{where}.type", f"This is one of {', '.join(KINDS)}.")
    id_ = given.get("id", f"b{where.rpartition('.')[2]}")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise ContentError(f"{where}.id", "An id is up to 40 letters, digits, - and _.")
    rest = {name: value for name, value in given.items() if name not in ("type", "id")}
    return kind(id=id_, **_checked(kind, where, rest))


def _checked(kind: type[Any], where: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ContentError(where, "This must be an object.")
    checks = {one.name: one.metadata.get("check") for one in fields(kind)}
    made = {}
    for name, value in given.items():
        check = checks.get(name)
        if check is None:
            raise ContentError(f"{where}.{str(name)[:60]}", "There is no such field.")
        made[name] = check(f"{where}.{name}", value)
    for one in fields(kind):
        if one.default == () and one.name not in made:
            raise ContentError(f"{where}.{one.name}", "This is needed.")
    return made


def written(block: Block) -> dict[str, Any]:
    """A block as JSON."""
    return {"type": block.type, **_listed(asdict(block))}


def _listed(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: _listed(value) for name, value in given.items()}
    return [_listed(one) for one in given] if isinstance(given, list | tuple) else given
