"""What an edit does to those who are under way.

The rules, as they are shown before a publish:
1. What somebody did is not done again, and new steps in front of where they are pass them by.
2. A wait that has begun ends when it was going to; its new length is for those who come to it.
3. Who stands at a step that is taken out goes on with the one that came after it.
4. Audience, trigger, holdout and entry count from the next person on; goal and exits at once.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from regulars.campaigns.engine.definition import Definition

RULES = (
    "What somebody has had is not done again; steps added in front of where they are pass them by.",
    "A wait that has begun ends when it was going to.",
    "Who stands at a step that is taken out goes on with the one that came after it.",
    "Who may enter, and when, counts from the next person on; goal and exits count at once.",
)


def followed(old: Definition, new: Definition) -> Definition:
    """The new definition, told where people go on who stand at steps that it lacks."""
    before, now = old.route(), new.route()
    moved = dict(old.moved)
    for id_ in before.steps:
        if id_ not in now.steps:
            moved[id_] = _next_left(before.after, now.steps, id_)
    # A step that is back is a place again.
    kept = {id_: to for id_, to in moved.items() if id_ not in now.steps}
    kept = {
        id_: to if to is None or to in now.steps else _through(kept, to) for id_, to in kept.items()
    }
    return replace(new, moved=kept)


def _next_left(after: Mapping[str, str | None], there: Container[str], id_: str) -> str | None:
    to = after[id_]
    while to is not None and to not in there:
        to = after[to]
    return to


def _through(moved: dict[str, str | None], to: str | None) -> str | None:
    seen: set[str] = set()
    while to is not None and to in moved and to not in seen:
        seen.add(to)
        to = moved[to]
    return to
