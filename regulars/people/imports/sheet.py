"""A file that somebody gives us, read as a table: its encoding, its separator, its rows.

Files are hostile: whatever is in one, reading it takes bounded memory, and what is wrong is said
with its line and its column. A row that is wrong stays behind alone; only what makes the rest of
the file unreadable ends it, as a FileError.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_BYTES = 256 * 1024 * 1024
MOST_COLUMNS = 200
LONGEST_CELL = 64 * 1024  # characters
LONGEST_RECORD = 2 * 1024 * 1024  # characters of a row, over all its lines
LONGEST_COLUMN = 200  # characters of a column's name
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_A_PIECE = 1024 * 1024
_JUDGED = 64 * 1024  # bytes by which a file without a mark is judged
_MANY_NULS = 0.3  # of every other byte: text of two bytes a character

# What else people send, by how it begins: what to say of it.
_NOT_TEXT = (
    (b"PK\x03\x04", "This is a spreadsheet or an archive, not a text. Save it as CSV."),
    (b"\xd0\xcf\x11\xe0", "This is a spreadsheet of the old kind. Save it as CSV."),
    (b"\x1f\x8b", "This file is compressed. Unpack it first."),
    (b"%PDF", "This is a PDF. Save the list as CSV."),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows Latin-1",
    "latin-1": "Latin-1",
}


class FileError(ValueError):
    """The file as a whole can't be read; the message says why."""


class RowError(ValueError):
    """A row, or one of its cells, can't be used. `help_` says what would mend it."""

    def __init__(self, column: str, why: str, says: str = "", help_: str = "") -> None:
        super().__init__(why)
        self.column = column
        self.why = why
        self.says = says[:200]
        self.help = help_


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the file: the line it begins in, its cells, and what is wrong with it, if it is."""

    line: int
    cells: list[str]
    at: int  # bytes read so far
    wrong: RowError | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that can be read."""

    path: Path
    encoding: str
    separator: str
    columns: tuple[str, ...]

    def records(self, skip: int = 0) -> Iterator[Record]:
        """Its rows but the empty ones, behind the first `skip`. Raises FileError."""
        with self.path.open("rb") as raw:
            text = io.TextIOWrapper(raw, encoding=self.encoding, newline="")
            lines = _Lines(text, self.separator, self.columns)
            rows = _rows(lines, self.separator)
            if lines.is_hint():
                next(rows, None)
            next(rows, None)  # the columns
            for number, (line, cells, wrong) in enumerate(rows):
                if number >= skip:
                    yield Record(line, cells, raw.tell(), wrong or _wrong(self.columns, cells))


def open_sheet(path: Path) -> Sheet:
    """The file as a table. Raises FileError where it is none."""
    encoding = _encoding(path)
    with path.open("rb") as raw:
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        try:
            first = text.readline(LONGEST_RECORD)
            hint = _hinted(first)
            head = text.readline(LONGEST_RECORD) if hint else first
        except UnicodeError as wrong:
            raise FileError(f"The file is not {ENCODINGS[encoding]} throughout.") from wrong
    if not head.strip().strip("\x00"):
        raise FileError("The file is empty.")
    separator = hint or _separator(head)
    with path.open("rb") as raw:
        lines = _Lines(io.TextIOWrapper(raw, encoding=encoding, newline=""), separator, ())
        rows = _rows(lines, separator)
        if lines.is_hint():
            next(rows, None)
        found = next(rows, None)
    return Sheet(path, encoding, separator, _columns(found[1] if found else []))


def _columns(cells: Sequence[str]) -> tuple[str, ...]:
    """The names in the first row, each its own."""
    if len(cells) > MOST_COLUMNS:
        raise FileError(f"At most {MOST_COLUMNS} columns: the file has {len(cells):,}.")
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = " ".join(cell.replace("\ufeff", "").split())
        if "\x00" in name:
            raise FileError(f"Line 1, column {number}: its name holds a NUL character.")
        if len(name) > LONGEST_COLUMN:
            raise FileError(f"Line 1, column {number}: its name is over {LONGEST_COLUMN} letters.")
        names.append(name or f"Column {number}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileError(f"Two columns have the same name: {twice[0]}.")
    return tuple(names)


def _wrong(columns: Sequence[str], cells: Sequence[str]) -> RowError | None:
    """What makes a row unusable before anybody looks at what its cells mean."""
    if len(cells) > len(columns):
        why = f"It has {len(cells)} cells, the first row {len(columns)}"
        return RowError("", why, cells[-1], "Put text with separators in quotes")
    for column, cell in zip(columns, cells, strict=False):
        if len(cell) > LONGEST_CELL:
            return RowError(column, "Cell over 64 KB", cell[:80], "Leave the column out")
        if "\x00" in cell:
            shown = cell[:80].replace("\x00", "␀")
            return RowError(column, "Holds a NUL character", shown, "Save the file as CSV anew")
    return None


class _Lines:
    """The lines of a file, none of them too long, with those of the row that is being read."""

    def __init__(self, text: io.TextIOWrapper, separator: str, columns: Sequence[str]) -> None:
        self._text = text
        self._separator = separator
        self._columns = columns
        self.number = 0
        self.record: list[str] = []
        self._size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            line = self._text.readline(LONGEST_RECORD + 1)
        except UnicodeError as wrong:
            said = ENCODINGS.get(self._text.encoding, self._text.encoding)
            raise FileError(f"Line {self.number + 1:,} is not {said}.") from wrong
        if not line:
            raise StopIteration
        self.number += 1
        self._size += len(line)
        self.record.append(line)
        if self._size > LONGEST_RECORD:
            raise FileError(f"{self.where()}: over 2 MB without an end. Is a quote left open?")
        return line

    def begin(self) -> None:
        """The next line begins a row."""
        self.record.clear()
        self._size = 0

    def where(self) -> str:
        """The line and the column at which the row being read goes wrong."""
        inside, number = False, 0
        for letter in "".join(self.record)[:LONGEST_RECORD]:
            if letter == '"':
                inside = not inside
            elif letter == self._separator and not inside:
                number += 1
        line = self.number - len(self.record) + 1
        name = self._columns[number] if number < len(self._columns) else f"number {number + 1}"
        return f"Line {line:,}, column {name}"

    def is_left_open(self) -> bool:
        """Whether a quote was opened in the row and swallowed what came behind it."""
        return len(self.record) > 1 and sum(line.count('"') for line in self.record) % 2 == 1

    def is_hint(self) -> bool:
        """Whether the file begins with Excel's `sep=;`, which is no row."""
        position = self._text.tell()
        hinted = _hinted(self._text.readline(16)) is not None
        self._text.seek(position)
        return hinted


def _rows(lines: _Lines, separator: str) -> Iterator[tuple[int, list[str], RowError | None]]:
    """Rows with the lines they begin in, but the empty ones."""
    csv.field_size_limit(LONGEST_RECORD)
    reader: Any = csv.reader(lines, delimiter=separator)
    while True:
        lines.begin()
        line = lines.number + 1
        try:
            cells: list[str] = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            raise FileError(f"{lines.where()}: {wrong}.") from wrong
        if lines.is_left_open():
            why = "A quote is opened and never closed"
            yield line, [lines.record[0]], RowError("", why, lines.record[0], "Close the quote")
        elif any(cell.strip() for cell in cells):
            yield line, cells, None


def _hinted(line: str) -> str | None:
    """The separator that a first line `sep=;` names."""
    plain = line.strip("\ufeff\r\n")
    begins = plain[:4].lower() == "sep=" and plain[4:] in SEPARATORS
    return plain[4:] if begins else None


def _separator(head: str) -> str:
    """What separates the names of columns, outside of quotes."""
    counts = dict.fromkeys(SEPARATORS, 0)
    inside = False
    for letter in head:
        if letter == '"':
            inside = not inside
        elif not inside and letter in counts:
            counts[letter] += 1
    return max(counts, key=lambda one: counts[one])


def _encoding(path: Path) -> str:
    """How the file's text is written. Raises FileError for what is no text."""
    with path.open("rb") as file:
        head = file.read(_JUDGED)
        for begins, why in _NOT_TEXT:
            if head.startswith(begins):
                raise FileError(why)
        for mark, name in _MARKS:
            if head.startswith(mark):
                return name
        if not head.strip(b"\x00 \r\n\t"):
            raise FileError("The file is empty.")
        for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            every_other = head[first::2]
            if every_other.count(0) > len(every_other) * _MANY_NULS:
                return name
        return _of_one_byte(head, file)


def _of_one_byte(head: bytes, file: Any) -> str:
    """UTF-8 where the whole file is, else what Windows writes, else Latin-1, which all text is."""
    fitting = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252")}
    piece = head
    while fitting:
        for name, decoder in list(fitting.items()):
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError:
                del fitting[name]
        if not piece:
            break
        piece = file.read(_A_PIECE)
    return next(iter(fitting), "latin-1")
