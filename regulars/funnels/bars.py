"""Who stands behind a bar of the funnel, as a filter: as many people as the bar counts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def reached(numbers: Sequence[int], days: int | None) -> list[dict[str, Any]]:
    """That somebody came as far as the last of these checkpoints, by all before it in order.

    With `days` those who reached the first in so many. They are conditions for an "all".
    """
    wanted: list[dict[str, Any]] = []
    if days is not None:
        wanted = [{"checkpoint": numbers[0], "op": "reached_within", "days": days}]
    if len(numbers) > 1 or days is None:
        wanted.append(_in_order(numbers, "reached"))
    return wanted


def dropped(numbers: Sequence[int], days: int | None) -> list[dict[str, Any]]:
    """That somebody came as far as the last but one of these checkpoints, and no further."""
    return [*reached(numbers[:-1], days), _in_order(numbers, "not_reached")]


def _in_order(numbers: Sequence[int], op: str) -> dict[str, Any]:
    *before, last = numbers
    found: dict[str, Any] = {"checkpoint": last, "op": op}
    return found | {"after": before} if before else found
