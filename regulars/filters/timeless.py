"""A filter with time left out: whom waiting may bring in, told from whom it can't.

Public: `could_hold(filter)`.
"""

from __future__ import annotations

from regulars.filters.ast import All, AnyOf, Filter, Not, is_timed


def could_hold(filter_: Filter) -> Filter | None:
    """What must hold of a person, who stays as they are, for the filter to hold now or later.

    None where nothing must: then time alone decides.
    """
    return _loose(filter_, negated=False)


def _loose(filter_: Filter, *, negated: bool) -> Filter | None:
    match filter_:
        case Not(part):
            return _loose(part, negated=not negated)
        case All(parts) | AnyOf(parts):
            loose = [_loose(part, negated=negated) for part in parts]
            certain = tuple(part for part in loose if part is not None)
            if isinstance(filter_, All) != negated:
                return All(certain) if certain else None
            return AnyOf(certain) if len(certain) == len(loose) else None
        case _:
            if is_timed(filter_):
                return None
            return Not(filter_) if negated else filter_
