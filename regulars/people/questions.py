"""Who is asked for: a list of people as a question, and what its parts ask of their rows.

Whichever way leads to a page or a count, its conditions are put together from these, so that no
two ways mean different people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.people.asking import Asked

KINDS = ("user", "lead", "visitor")

JOINED = "person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id"


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL over `p` and `a`, with its parameters; `of_p` where it looks at `p` alone."""

    text: str
    params: tuple[Any, ...] = ()
    of_p: bool = False


ANYBODY = Condition("true")


@dataclass(frozen=True, slots=True)
class Group:
    """A segment to list: its key, its number on people's rows, and how many are in it."""

    id: UUID
    number: int
    people: int
    builtin: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked for: kinds of people, a segment, and conditions that narrow them down.

    `asked` is the filter among the conditions, if any, and `besides` are the others. `kinds` are
    those that it can hold for, of `listed`.
    """

    project_id: UUID
    kinds: tuple[str, ...]
    listed: tuple[str, ...]
    now: datetime
    group: Group | None = None
    narrow: tuple[Condition, ...] = ()
    asked: Asked | None = None
    besides: tuple[Condition, ...] = ()


def asked_for(question: Question, few: Condition) -> Condition:
    """Those of the few who are asked for."""
    return all_of(of_kinds(question), few, *belonging(question))


def of_everybody(question: Question) -> Condition:
    """Those of the kinds listed, where the filter is asked too and no index is to serve by kind."""
    if len(question.listed) < len(KINDS):
        return of_kinds(replace(question, kinds=question.listed))
    return Condition("p.project_id = %s", (question.project_id,))


def of_kinds(question: Question) -> Condition:
    """The project's people of the kinds asked for."""
    kinds = ", ".join(f"'{kind}'" for kind in question.kinds)
    return Condition(f"p.project_id = %s AND p.kind IN ({kinds})", (question.project_id,))


def belonging(question: Question) -> list[Condition]:
    """What is asked besides kinds: the segment, as people's rows name it, and all that narrows."""
    group = question.group
    inside = [Condition("a.segments @> %s::smallint[]", ([group.number],))] if group else []
    return [*inside, *question.narrow]


def members(project_id: UUID, group: Group) -> Condition:
    """Who is in the segment, as the table of its members says."""
    ids = "SELECT person_id FROM segment_member WHERE project_id = %s AND segment_id = %s"
    return Condition(f"p.id IN ({ids})", (project_id, group.id))


def tables(question: Question, table: str) -> str:
    """The tables that must be read, beginning with one of the two."""
    needs_p = table == "p" or bool(question.narrow)
    narrow_by_p = all(condition.of_p for condition in question.narrow)
    needs_a = table == "a" or question.group is not None or not narrow_by_p
    if needs_p and needs_a:
        return JOINED
    return "person p" if table == "p" else "person_activity a"


def all_of(*conditions: Condition) -> Condition:
    """What holds where each of the conditions does."""
    text = " AND ".join(f"({condition.text})" for condition in conditions)
    return Condition(text, tuple(one for condition in conditions for one in condition.params))
