"""Fills in templates that do nothing but say facts: `{{ person.city | default: "there" }}`.

Most templates are such, and most of Liquid's work for one person is not about the person. What is
made here is, letter for letter, what the engine makes; whatever is out of the ordinary is left to
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from liquid import escape
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions.arguments import PositionalArgument
from liquid.builtin.expressions.filtered import Filter, FilteredExpression
from liquid.builtin.expressions.path import Path
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.builtin.output import OutputNode

# What Liquid knows of every list, text and object beside its items.
_BESIDES = frozenset(("size", "first", "last"))


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact by its path; `otherwise`, ready to be put in, stands for one that is unknown."""

    path: tuple[str, ...]
    otherwise: str | None


class Plain:
    """What a template says, in its order: text as it is, and facts."""

    __slots__ = ("_html", "_parts")

    def __init__(self, parts: list[str | Fact], *, html: bool) -> None:
        self._parts = parts
        self._html = html

    def fill(self, facts: Mapping[str, Any], most: int) -> str | None:
        """Filled in; None where that is the engine's to do, or takes more than `most` letters."""
        said: list[str] = []
        for part in self._parts:
            if isinstance(part, str):
                said.append(part)
                continue
            value: Any = facts
            for name in part.path:
                if type(value) is not dict:
                    return None
                value = value.get(name)
                if value is None:
                    break
            if value is None:
                said.append(part.otherwise or "")
            elif type(value) is not str:
                return None
            elif part.otherwise is not None and (not value or value.isspace()):
                said.append(part.otherwise)
            else:
                said.append(escape(value) if self._html else value)
        whole = "".join(said)
        return whole if len(whole) <= most else None


def of(nodes: Iterable[Node], *, html: bool) -> Plain | None:
    """The template's nodes as a plain one; None where they do more than to say facts."""
    parts: list[str | Fact] = []
    for node in nodes:
        if type(node) is ContentNode:
            parts.append(node.text)
            continue
        fact = _fact(node, html=html) if isinstance(node, OutputNode) else None
        if fact is None:
            return None
        parts.append(fact)
    return Plain(parts, html=html)


def _fact(node: OutputNode, *, html: bool) -> Fact | None:
    said = node.expression
    if not isinstance(said, FilteredExpression) or not isinstance(said.left, Path):
        return None
    path = tuple(name for name in said.left.path if isinstance(name, str))
    if len(path) < len(said.left.path) or not _BESIDES.isdisjoint(path):
        return None
    filters = said.filters or []
    otherwise = _default(filters[0]) if len(filters) == 1 else None
    if filters and otherwise is None:
        return None
    return Fact(path, escape(otherwise) if html and otherwise is not None else otherwise)


def _default(filter_: Filter) -> str | None:
    """What a `default` gives; None of any other filter, and where it is no text as it stands."""
    given = filter_.args
    if filter_.name != "default" or len(given) > 1:
        return None
    if not given:
        return ""
    first = given[0]
    if not isinstance(first, PositionalArgument) or not isinstance(first.value, StringLiteral):
        return None
    return str.__str__(first.value.value)
