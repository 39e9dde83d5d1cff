"""Text from outside, made fit for a header, a row and a screen."""

from __future__ import annotations

import re

MOST_FILE_NAME = 120  # letters

_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# What turns the direction of writing around, so that "gpj.exe" reads like "exe.jpg".
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
# What some file systems take for more than a letter.
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')
_LONGEST_SUFFIX = 12


def line(text: str, most: int) -> str:
    """The text as one clean line of so many letters: nothing in it ends a header or turns it."""
    if text.isascii() and text.isprintable() and "  " not in text:  # as most are
        return text[: 4 * most].strip()[:most].rstrip()
    whole = text[: 4 * most].encode("utf-8", "ignore").decode()
    return _BLANKS.sub(" ", _TURNS.sub("", whole)).strip()[:most].rstrip()


def lines(text: str, most: int) -> str:
    """The text with single line feeds, without what neither mail nor PostgreSQL may hold."""
    whole = text[:most].encode("utf-8", "ignore").decode()
    return _CONTROLS.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))


def file_name(text: str, number: int) -> str:
    """A name without a folder, without a leading dot and not too long, its suffix kept.

    `number` is the file's place, for one that has no name.
    """
    last = re.split(r"[/\\]", text[-2_000:])[-1]
    name = _NOT_IN_NAMES.sub("_", line(last, 2_000)).strip(". ")
    if len(name) > MOST_FILE_NAME:
        stem, dot, suffix = name.rpartition(".")
        suffix = dot + suffix if dot and len(suffix) <= _LONGEST_SUFFIX else ""
        name = (stem if suffix else name)[: MOST_FILE_NAME - len(suffix)].rstrip(". ") + suffix
    return name or f"file-{number}"
