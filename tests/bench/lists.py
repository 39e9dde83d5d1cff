"""How long pages of the People list take in a project as it is.

    python -m tests.bench.lists PROJECT_ID

Fill the project with `tests.bench.population` first. Each figure is the best of three, as the page
is a matter of what must be read and not of what else the machine does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import clock, database
from regulars.people import queries
from regulars.people.queries import Page, Which

TRIES = 3
LISTS = (
    ("user", "all"), ("user", "new"), ("user", "active"), ("user", "slipping"), ("lead", None),
    ("visitor", None),
)  # fmt: skip
SORTS = ("-last_seen", "last_seen", "name", "-signed_up_at", "-first_seen", "-sessions", "country")
OF_VISITORS = ("-last_seen", "last_seen", "-first_seen")
SEARCHES = ("a", "an", "qz", "lin", "linnea", "linnea s", "example.com", "nobody of this name")

Figure = tuple[str, float]  # what was asked, milliseconds


def measure(
    connection: psycopg.Connection[Any], project_id: UUID, now: datetime
) -> Iterator[Figure]:
    """All lists in all orders with an index, their second pages, and searches."""
    for kind, builtin in LISTS:
        for sort in OF_VISITORS if kind == "visitor" else SORTS:
            which = Which(now, kind, builtin)
            named = f"{builtin or kind}, by {sort}"

            def page(cursor: str | None = None, which: Which = which, sort: str = sort) -> Page:
                return queries.people_page(connection, project_id, which, sort=sort, cursor=cursor)

            first, took = _best(page)
            yield named, took
            following = first.next
            if following:
                yield f"{named}, page 2", _best(lambda: page(following))[1]  # noqa: B023 - called here
    for typed in SEARCHES:
        which = Which(now, "user", query=typed)
        _, took = _best(
            lambda which=which: queries.people_page(connection, project_id, which)  # type: ignore[misc]
        )
        yield f"search “{typed}”", took
    yield "counts", _best(lambda: queries.counts(connection, project_id))[1]
    yield "here now", _best(lambda: queries.online_count(connection, project_id, now))[1]


def _best(ask: Callable[[], Any]) -> tuple[Any, float]:
    best, answer = float("inf"), None
    for _ in range(TRIES):
        started = time.perf_counter()
        answer = ask()
        best = min(best, (time.perf_counter() - started) * 1000)
    return answer, best


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("project", type=UUID)
    given = options.parse_args()
    with database.connect() as connection:
        counts = queries.counts(connection, given.project)
        print(", ".join(f"{number:,} {kind}s" for kind, number in counts.kinds.items()))
        for named, took in measure(connection, given.project, clock.now()):
            print(f"{took:9.1f} ms  {named}")


if __name__ == "__main__":
    main()
