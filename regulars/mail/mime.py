"""The parts of a message, read in linear time whatever is sent.

The standard library's parser can be made to take minutes or to raise what it does not document, by
deep nesting and by headers of a certain shape; this one finds the same parts by searching, gives up
nesting, counting and reading at fixed limits, and takes what is malformed for text. RFC 5322, 2045
to 2047, 2231.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from encodings.aliases import aliases
from urllib.parse import unquote_to_bytes

MOST_BYTES = 32_000_000  # of a whole message
MOST_HEADER_BYTES = 256_000  # of a part; what goes beyond is not read
MOST_FIELDS = 500
MOST_VALUE = 16_000  # bytes of one field
MOST_PARAMETERS = 2_000  # letters of a field that are read for its parameters
MOST_DEPTH = 10
MOST_PARTS = 300

_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]{0,20}:")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]{0,4000})\?=")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PARAMETER = re.compile(r"\s*([^\s=;\"*]{1,60})(?:\*(\d{1,3}))?(\*)?\s*")
_CUT = re.compile("incomplete|unexpected end|truncated")  # how Python says so
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")

# What mail is written in, by Python's names. Not all that Python decodes: some of its codecs take
# quadratic time.
# fmt: off
_CHARSETS = frozenset((
    "utf_8", "ascii", "latin_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5", "iso8859_6",
    "iso8859_7", "iso8859_8", "iso8859_9", "iso8859_10", "iso8859_11", "iso8859_13", "iso8859_14",
    "iso8859_15", "iso8859_16", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "cp1258", "cp437", "cp850", "cp852", "cp866", "cp874", "cp932", "cp949",
    "cp950", "koi8_r", "koi8_u", "mac_roman", "tis_620", "gb2312", "gb18030", "gbk", "big5",
    "big5hkscs", "shift_jis", "euc_jp", "euc_kr", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2",
    "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr", "hz", "utf_16", "utf_16_be", "utf_16_le",
    "utf_7",
))
# fmt: on
# Names whose owners in fact send a superset, as browsers know too.
_SUPERSETS = {
    "ascii": "utf_8",
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}


class UnreadableMailError(ValueError):
    """Bytes that are no mail, or more than we read."""


@dataclass(frozen=True, slots=True)
class Headers:
    """A part's fields, unfolded, their encoded words not yet read."""

    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every value of the field, as they stand."""
        return [value for known, value in self.fields if known == name]

    def first(self, name: str) -> str:
        """The first value of the field, or the empty text."""
        return next((value for known, value in self.fields if known == name), "")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: its headers, where its body is, and the parts in that."""

    headers: Headers
    media_type: str
    parameters: dict[str, str]
    start: int
    end: int
    children: tuple[Part, ...] = ()


def parse(raw: bytes) -> Part:
    """The message as a tree of parts. Raises UnreadableMailError."""
    if len(raw) > MOST_BYTES:
        raise UnreadableMailError("The mail is too large.")
    if not raw.strip(b"\0\r\n\t "):
        raise UnreadableMailError("The mail is empty.")
    return _Parser(raw).part(0, len(raw), "text/plain", 0)


class _Parser:
    """Reads one message; it counts the parts that were found."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._left = MOST_PARTS

    def part(self, start: int, end: int, usual: str, depth: int) -> Part:
        """The part between the two places; `usual` is what it is where it does not say."""
        headers, body = read_headers(self._raw, start, end)
        value, parameters = parameters_of(headers.first("content-type"))
        named = value.lower()
        kind = named if _TYPE.fullmatch(named) else usual
        children: tuple[Part, ...] = ()
        boundary = parameters.get("boundary", "")
        if kind.startswith("multipart/") and boundary and depth < MOST_DEPTH:
            usual = "message/rfc822" if kind == "multipart/digest" else "text/plain"
            children = tuple(
                self.part(first, last, usual, depth + 1)
                for first, last in self._between(body, end, boundary.encode("utf-8", "replace"))
            )
        return Part(headers, kind, parameters, body, end, children)

    def _between(self, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
        delimiter = re.compile(rb"\n--" + re.escape(boundary) + rb"(--)?[ \t]{0,80}(?=\r?\n|\Z)")
        raw = self._raw
        opened = -1
        # One back: the line end before the first delimiter may be the one that ended the headers.
        for found in delimiter.finditer(raw, max(start - 1, 0), end):
            if opened >= 0:
                if self._left <= 0:
                    return
                self._left -= 1
                yield opened, max(opened, _without_return(raw, found.start()))
            opened = min(raw.find(b"\n", found.end(), end) + 1 or end, end)
            if found[1]:
                return
        if 0 <= opened < end and self._left > 0:
            self._left -= 1
            yield opened, end


def read_headers(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The fields that begin at `start`, and where the body does."""
    fields: list[tuple[str, list[bytes]]] = []
    place, most = start, start + MOST_HEADER_BYTES
    while place < end:
        if place > most or len(fields) > MOST_FIELDS:
            blank = _BLANK_LINE.search(raw, max(place - 1, start), end)
            place = blank.end() if blank else end
            break
        stop = raw.find(b"\n", place, end)
        stop = end if stop < 0 else stop
        line = raw[place:stop].rstrip(b"\r")
        begun = _FIELD.match(line)
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(line)
        elif begun:
            fields.append((begun[1].decode("ascii").lower(), [line[begun.end() :]]))
        elif not line:
            place = stop + 1
            break
        elif not (place == start and line.startswith((b"From ", b">From "))):
            break  # no header: the body begins here, without a blank line
        place = stop + 1
    return Headers(tuple((name, _unfolded(value)) for name, value in fields)), min(place, end)


def parameters_of(value: str) -> tuple[str, dict[str, str]]:
    """A field's value and its parameters, those in several pieces put together (RFC 2231)."""
    value = value[:MOST_PARAMETERS]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    place = value.find(";")
    main = value if place < 0 else value[:place]
    while place >= 0:
        named = _PARAMETER.match(value, place + 1)
        if named is None or value[named.end() : named.end() + 1] != "=":
            place = value.find(";", place + 1)
            continue
        given, place = _given(value, named.end() + 1)
        name, number, encoded = named[1].lower(), named[2], bool(named[3])
        if number is None and not encoded:
            plain.setdefault(name, given)
        else:
            pieces.setdefault(name, {}).setdefault(int(number or 0), (given, encoded))
    for name, numbered in pieces.items():
        plain[name] = _joined(numbered)
    return main.strip(), plain


def words(text: str) -> str:
    """The text with its encoded words read (RFC 2047).

    Letters that are split between two words of one charset are put together, as many senders
    need it.
    """
    if "=?" not in text:
        return text
    read: list[str] = []
    raw, charset, place = b"", "", 0
    for found in _WORD.finditer(text):
        between = text[place : found.start()]
        if raw and (between.strip() or found[1].lower() != charset):
            read.append(decode(raw, charset))
            raw = b""
        if between.strip() or not place:
            read.append(between)
        charset = found[1].lower()
        raw += _word(found[2], found[3])
        place = found.end()
    read.append(decode(raw, charset) if raw else "")
    read.append(text[place:])
    return "".join(read)


def content(raw: bytes, part: Part, most: int | None = None) -> bytes:
    """The part's body without its transfer encoding; of so many encoded bytes, if that is said."""
    end = part.end if most is None else min(part.end, part.start + most)
    body = raw[part.start : end]
    encoding = part.headers.first("content-transfer-encoding").strip().lower()
    if encoding == "base64":
        return _base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    return body


def decode(raw: bytes, charset: str) -> str:
    """Bytes as text: in the charset that is named, if that is one of mail's, else as it may be."""
    named = _known(charset)
    try:
        return raw.decode(named)
    except UnicodeError as error:
        if isinstance(error, UnicodeDecodeError) and _CUT.search(error.reason):
            return raw.decode(named, "ignore")  # the last letter was cut in two
    try:
        return raw.decode("utf_8")
    except UnicodeError:
        # What says UTF-8 and is not is mostly western; others have a letter or two wrong.
        return raw.decode("cp1252" if named == "utf_8" else named, "replace")


def _known(charset: str) -> str:
    """Python's name for it. Its registry is not asked: that remembers whatever it was asked for."""
    spelled = re.sub(r"[^a-z0-9]+", "_", charset.lower()).strip("_")
    name = aliases.get(spelled, spelled)
    return _SUPERSETS.get(name, name) if name in _CHARSETS else "utf_8"


def _unfolded(pieces: list[bytes]) -> str:
    whole = b"".join(pieces)[:MOST_VALUE]
    try:
        return whole.decode("utf-8").strip()
    except UnicodeDecodeError:
        return whole.decode("cp1252", "replace").strip()


def _without_return(raw: bytes, place: int) -> int:
    return place - 1 if raw[place - 1 : place] == b"\r" else place


def _given(value: str, place: int) -> tuple[str, int]:
    """A parameter's value that begins at the place, and where the next `;` is (-1: nowhere)."""
    blank = len(value) - len(value[place:].lstrip())
    if value[blank : blank + 1] == '"':
        quoted = _QUOTED.match(value, blank)
        if quoted is None:
            return value[blank + 1 :].strip(), -1
        return re.sub(r"\\(.)", r"\1", quoted[1]), value.find(";", quoted.end())
    stop = value.find(";", place)
    return value[place : stop if stop >= 0 else None].strip(), stop


def _joined(numbered: dict[int, tuple[str, bool]]) -> str:
    """The pieces of a parameter in their order; the first names the charset of the encoded ones."""
    raw, charset = b"", ""
    for number, (given, encoded) in sorted(numbered.items()):
        text = given
        if encoded and number == min(numbered) and text.count("'") >= 2:  # noqa: PLR2004
            charset, _, text = text.split("'", 2)
        raw += unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace")
    return decode(raw, charset)


def _word(kind: str, text: str) -> bytes:
    given = text.encode("utf-8", "replace")
    if kind in "bB":
        return _base64(given)
    return binascii.a2b_qp(given, header=True)


def _base64(given: bytes) -> bytes:
    """As much of it as can be read."""
    letters = _NOT_BASE64.sub(b"", given)
    letters = letters[: len(letters) - 1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
