"""Folding inside SQL, for the one place that keeps no folded copy: the properties of events.

PostgreSQL's own lower() is not Python's casefold(), and differs between servers. So what the
wanted text can meet is written out from Python's tables: only characters that could become part of
it are mapped. All others may stay as they are, since they match nothing either way.

Public: `folded_in_sql`.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from regulars.filters.sql import Sql, joined

_UNICODE_END = 0x110000


def folded_in_sql(text: Sql, near: str) -> Sql:
    """`text` folded, as far as comparisons with (folded) texts made of `near` can tell.

    ASCII takes the short way. NFC of the server and of Python agree on all characters both know.
    """
    spaces = _spaces()
    single, several = _foldings(frozenset(unicodedata.normalize("NFD", near) + near))
    bare = text.within("btrim(", ", %s::text)", spaces)
    slow = bare.within(
        "translate(", ", %s::text, %s::text)", "".join(single), "".join(single.values())
    )
    for character, folding in several.items():
        slow = slow.within("replace(", ", %s::text, %s::text)", character, folding)
    ascii_only = text.within("octet_length(", ") = ").then(
        f"char_length({text.text})", *text.params
    )
    quick = bare.within("lower((", ') COLLATE "C")')
    slow = slow.within("normalize(", ", NFC)")
    branches = ascii_only.within("CASE WHEN ", " THEN ")
    return joined("", (branches, quick, slow.within(" ELSE ", " END")))


def _foldings(near: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The case foldings that can produce a character of `near`: to one character, to several."""
    single: dict[str, str] = {}
    several: dict[str, str] = {}
    for character, folding, pieces in _all_foldings():
        if not pieces.isdisjoint(near):
            (single if len(folding) == 1 else several)[character] = folding
    return single, several


@cache
def _all_foldings() -> list[tuple[str, str, frozenset[str]]]:
    """Every character that casefold() changes, what to, and all the characters involved."""
    found = []
    for character in map(chr, range(_UNICODE_END)):
        folding = character.casefold()
        if folding != character:
            pieces = unicodedata.normalize("NFD", character + folding)
            found.append((character, folding, frozenset(pieces)))
    return found


@cache
def _spaces() -> str:
    """All that str.strip() strips."""
    return "".join(c for c in map(chr, range(_UNICODE_END)) if c.isspace())
