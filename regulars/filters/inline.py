"""Segments of segments: conditions on a segment replaced by the segment's own filter.

A segment of hand-picked people has no filter; conditions on it stay, and read membership.

Public: `inlined(filter, segments)`, `all_inlined(segments)`, `MAX_INLINED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from regulars.filters.ast import All, AnyOf, Filter, Not, SegmentCondition, conditions
from regulars.filters.behaviour import SEGMENT_OPERATORS
from regulars.filters.errors import FilterError

# Segments that use segments can double with every step.
MAX_INLINED = 2_000

# The filters of a project's segments; None for a segment of hand-picked people.
Segments = Mapping[UUID, Filter | None]


def inlined(filter_: Filter, segments: Segments, *, at: str = "filter") -> Filter:
    """The filter with every segment written out.

    Raises `FilterError` for a segment that is not among `segments`, for a circle, and where more
    than `MAX_INLINED` conditions would come of it.
    """
    return _Inliner(segments, at).inline(filter_)


def all_inlined(segments: Segments) -> dict[UUID, Filter]:
    """Every filtered segment with the segments in it written out, those it uses before it."""
    inliner = _Inliner(segments, "filter")
    for segment, filter_ in segments.items():
        if filter_ is not None:
            inliner.segment(segment)
    return dict(inliner.done)


class _Inliner:
    """Remembers what it has written out, and what it is in the midst of."""

    def __init__(self, segments: Segments, at: str) -> None:
        self.done: dict[UUID, Filter] = {}
        self._segments = segments
        self._at = at
        self._sizes: dict[UUID, int] = {}
        self._open: set[UUID] = set()

    def inline(self, filter_: Filter) -> Filter:
        if self._size(filter_) > MAX_INLINED:
            raise FilterError(
                f"With its segments written out, a filter may have {MAX_INLINED:,} conditions",
                self._at,
            )
        return self._replaced(filter_)

    def segment(self, segment: UUID) -> Filter | None:
        """A segment's filter written out, or None where it has none."""
        if segment in self.done:
            return self.done[segment]
        if segment not in self._segments:
            raise FilterError(f"There is no segment {segment}", self._at)
        own = self._segments[segment]
        if own is None:
            return None
        if segment in self._open:
            raise FilterError(f"The segment {segment} is made from itself", self._at)
        self._open.add(segment)
        found = self.inline(own)
        self._open.discard(segment)
        self._sizes[segment] = self._size(own)
        self.done[segment] = found
        return found

    def _size(self, filter_: Filter) -> int:
        """Conditions once written out; counted without writing, since parts may be shared."""
        total = 0
        for one in conditions(filter_):
            if isinstance(one, SegmentCondition) and self.segment(one.segment) is not None:
                total += self._sizes[one.segment]
            else:
                total += 1
        return total

    def _replaced(self, filter_: Filter) -> Filter:
        match filter_:
            case All(parts):
                return All(tuple(self._replaced(part) for part in parts))
            case AnyOf(parts):
                return AnyOf(tuple(self._replaced(part) for part in parts))
            case Not(part):
                return Not(self._replaced(part))
            case SegmentCondition(segment, op):
                own = self.segment(segment)
                if own is None:
                    return filter_
                return Not(own) if SEGMENT_OPERATORS[op].negates else own
            case _:
                return filter_
