"""Gives the names that a script made up for itself short ones: a sixth of what it weighs otherwise.

Each name is replaced everywhere by one and the same other, which nothing else is called. So scopes
need not be understood: what was the same thing stays the same, what was another stays another. A
name is left alone wherever it might be more than a variable of this script: where it is also a
property's, a method's or a key's, where it is exported or imported, or never declared here.

Knows as much of JavaScript as that takes. It relies on the scripts' own rules (see `scripts.py`),
and on `eval`, labels and private fields not being used. When in doubt it keeps a name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import count, product
from string import ascii_letters

_TOKEN = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|(?<=[(,=:\[!&|?{};\n])[ ]?/(?![*/ ])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+/[a-z]*)"""
    r"""|(?P<template>`(?:\\.|[^`\\])*`)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>\d[\w.]*|\.\.\.|\?\.|\?\?|=>|\S)|(?P<space>\s+)""",
)
# Words of the language, and what would be one in some place.
_WORDS = set(
    re.findall(
        r"\w+",
        """
        arguments as async await break case catch class const continue debugger default delete do
        else eval export extends false finally for from function get if import in instanceof let
        new null of return set static super switch this throw true try typeof undefined var void
        while with yield
        """,
    )
)
_OPENING = ("{", "${", "(", "[")
_CLOSING = ("}", ")", "]")
# What stands before the braces of a block; after all else they hold the members of something.
_BEFORE_BLOCK = ("", ")", "=>", ";", "{", "}", "do", "else", "finally", "try", "catch")

# Brackets after these hold no parameters, though braces follow; after others they do.
_CONDITIONS = ("if", "for", "while", "switch", "with")
_BODY = ("=>", "{")

# A token: what kind it is, and its text.
Token = tuple[str, str]


def shortened(source: str) -> str:
    """The script, its own names short."""
    tokens = list(_tokens(source))
    said = [token for token in tokens if token[0] not in ("space", "text")]
    uses = Counter(text for kind, text in said if kind == "name")
    own = _declared(said) - _kept(said)
    fresh = _names(set(uses) | _WORDS)
    # The more a name is used, the shorter it gets.
    often = sorted(own, key=lambda name: (-uses[name], name))
    names = {name: next(fresh) for name in often if len(name) > 1}
    return "".join(names.get(text, text) if kind == "name" else text for kind, text in tokens)


def _tokens(source: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(source):
        kind, text = found.lastgroup or "sign", found[0]
        if kind == "template":
            yield from _template(text)
        elif kind == "name" and text in _WORDS:
            yield "word", text
        else:
            yield kind, text


def _template(source: str) -> Iterator[Token]:
    """A template literal: its text, and the code in its gaps."""
    start = at = 0
    while (gap := source.find("${", at)) >= 0:
        depth, end = 1, gap + 2
        while depth:
            depth += {"{": 1, "}": -1}.get(source[end], 0)
            end += 1
        yield "text", source[start:gap]
        yield "sign", "${"
        yield from _tokens(source[gap + 2 : end - 1])
        yield "sign", "}"
        start = at = end
    yield "text", source[start:]


def _declared(said: list[Token]) -> set[str]:
    """What is declared by a statement of its own, or as a parameter of a plain kind."""
    found = set()
    nested = [False]  # whether what is open are the brackets of parameters
    for at, (kind, text) in enumerate(said):
        before, after = _around(said, at)
        if kind == "name":
            is_statement = before in ("const", "let", "function", "class")
            is_parameter = nested[-1] and before in ("(", ",", "...") and after in (",", ")", "=")
            if is_statement or is_parameter or after == "=>":
                found.add(text)
        elif text in _OPENING:
            nested.append(text == "(" and before not in _CONDITIONS and _behind(said, at) in _BODY)
        elif text in _CLOSING:
            nested.pop()
    return found


def _kept(said: list[Token]) -> set[str]:
    """What may be more than a variable of this script."""
    found = set()
    # Whether what is open has members, and how many of its question marks wait for their colon.
    nested: list[tuple[bool, int]] = [(False, 0)]
    for at, (kind, text) in enumerate(said):
        has_members, asked = nested[-1]
        if kind == "name":
            if _is_kept(said, at, has_members=has_members, is_asked=asked > 0):
                found.add(text)
        elif text in _OPENING:
            before = said[at - 1][1] if at else ""
            nested.append((text == "{" and before not in _BEFORE_BLOCK, 0))
        elif text in _CLOSING:
            nested.pop()
        elif text in ("?", ":"):
            nested[-1] = has_members, max(0, asked + (1 if text == "?" else -1))
    return found


def _is_kept(said: list[Token], at: int, *, has_members: bool, is_asked: bool) -> bool:
    before, after = _around(said, at)
    is_exported = before == "export" or (at > 1 and said[at - 2][1] in ("export", "default"))
    is_property = before in (".", "?.", "#") or (after == ":" and not is_asked)
    # A key without a value of its own, a method, or a field.
    is_member = has_members and (
        (before in ("{", ",") and after in (",", "}", "="))
        or (before in ("{", "}", ";") and after in ("=", ";", "}"))
        or (after == "(" and _behind(said, at + 1) == "{")
    )
    return is_exported or is_property or is_member


def _around(said: list[Token], at: int) -> tuple[str, str]:
    """What stands before and after a token."""
    before = said[at - 1][1] if at else ""
    after = said[at + 1][1] if at + 1 < len(said) else ""
    return before, after


def _behind(said: list[Token], at: int) -> str:
    """What stands behind the bracket that closes this one."""
    depth = 0
    for each in range(at, len(said)):
        depth += {"(": 1, ")": -1}.get(said[each][1], 0)
        if depth == 0:
            return _around(said, each)[1]
    return ""


def _names(taken: set[str]) -> Iterator[str]:
    """a, b, … z, A … Z, aa, ab …, less what is taken."""
    for length in count(1):
        for letters in product(ascii_letters, repeat=length):
            if (name := "".join(letters)) not in taken:
                yield name
