"""Pieces of SQL with their parameters. Values from outside are parameters, never text.

Public: `Sql`, `joined`, `by_name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Sql(NamedTuple):
    """SQL text with psycopg's `%s` placeholders, and one parameter for each."""

    text: str
    params: tuple[object, ...] = ()

    def then(self, text: str, *params: object) -> Sql:
        return Sql(self.text + text, self.params + params)

    def within(self, before: str, after: str, *params: object) -> Sql:
        """This piece between two texts; `params` belong to the text after it."""
        return Sql(before + self.text + after, self.params + params)


def joined(separator: str, pieces: Iterable[Sql]) -> Sql:
    parts = list(pieces)
    return Sql(
        separator.join(part.text for part in parts),
        tuple(param for part in parts for param in part.params),
    )


def by_name(text: str, params: Sequence[object]) -> tuple[str, dict[str, object]]:
    """SQL with `%s` placeholders as SQL whose parameters have names: v0, v1 and so on."""
    named: dict[str, object] = {}
    for n, param in enumerate(params):
        text = text.replace("%s", f"%(v{n})s", 1)
        named[f"v{n}"] = param
    return text, named
