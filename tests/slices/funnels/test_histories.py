"""Random histories: times, counts and the report are what reading the whole record anew finds.

Events come in late and in any order, visitors register and merge, some are erased; then the same
conditions are counted from history alone, and must say the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from regulars.filters.parse import parse
from regulars.funnels import bars, report, weeks
from regulars.funnels import queries as queries_of_funnel
from regulars.funnels.report import Period
from regulars.people import queries
from regulars.people.person import Person
from regulars.segments import findings
from tests.slices.funnels.funnel import ACTIVE, SIGNED_UP, count, did, put, rows
from tests.slices.segments.saved import erase, wait_until
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

Database = psycopg.Connection[Any]
EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "12"))
DAY = timedelta(days=1)
FUNNEL = (SIGNED_UP, ACTIVE, did("Ordered"), did("Ordered", 2))
SEEN = ("page", "track")
NUMBER = "SELECT number FROM segment WHERE project_id = %s AND id = %s"

anons = st.sampled_from(["a", "b", "c"])
late = st.sampled_from([0, 0, 1, 10, 40, 90])  # days before it comes in


@dataclass(frozen=True)
class Deed:
    what: str
    anon: str
    late: int
    after: int  # hours behind the one before


deeds = st.lists(
    st.builds(
        Deed,
        st.sampled_from(["page", "track", "track", "identify", "register"]),
        anons,
        late,
        st.sampled_from([0, 5, 24 * 20]),
    ),
    min_size=1,
    max_size=14,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    deeds=deeds,
    erased=st.booleans(),
    by_history=st.booleans(),
    edited=st.none() | st.tuples(st.sampled_from([3, 90]), st.integers(0, 14), st.booleans()),
    away=st.none() | st.integers(0, 14),
    follow=st.booleans(),
)
@example(  # one's second order, once another's first is theirs as well
    deeds=[
        Deed("track", "a", 0, 0), Deed("track", "b", 0, 0), Deed("identify", "b", 0, 0),
        Deed("track", "a", 0, 0), Deed("identify", "a", 0, 0),
    ],
    erased=False, by_history=False, edited=None, away=None, follow=True,
)  # fmt: skip
@example(  # active as a visitor, long before signing up
    deeds=[Deed("page", "a", 40, 0), Deed("register", "a", 0, 0)], erased=False, by_history=False,
    edited=None, away=None, follow=True,
)  # fmt: skip
@example(  # active by the days that were asked for first, and never by those that are asked for now
    deeds=[Deed("page", "a", 40, 0), Deed("register", "a", 0, 0)], erased=False, by_history=False,
    edited=(90, 14, True), away=None, follow=True,
)  # fmt: skip
def test_everything_is_what_the_record_says(
    database: Database,
    deeds: list[Deed],
    *,
    erased: bool,
    by_history: bool,
    edited: tuple[int, int, bool] | None,
    away: int | None,
    follow: bool,
) -> None:
    """`edited`: the days that *active* meant, before which deed they become 28, and whether
    everybody is counted at once. `away`: before which deed no checkpoint asks for it any more,
    until it is edited, or the end. `follow`: whether people's own rows say what fillings found
    before anything else happens.
    """
    site = open_site(database)
    days, turn, at_once = edited or (28, 0, True)
    if not by_history:
        put(site, *_funnel(days))
    now = NOON
    for n, deed in enumerate(deeds):
        if not by_history and n == away:
            put(site, SIGNED_UP, did("Invited"), *FUNNEL[2:], at=now)
            count(site, now, follow=follow)
        if edited and not by_history and n == turn:
            put(site, *FUNNEL, at=now)
            if at_once:
                count(site, now, follow=follow)
        now += timedelta(hours=deed.after, seconds=1)
        wait_until(site, now)
        way = "server" if deed.what == "register" else "browser"
        site.send(_message(deed, now), at=now, way=way)
    if by_history or edited or away is not None:
        if edited and by_history:
            put(site, *_funnel(days), at=now)
            count(site, now, follow=follow)
        put(site, *FUNNEL, at=now)
        count(site, now, follow=follow)
    if erased:
        erase(site, site.people()[0].id, now)
    _check_who_is_active(site, now)
    told = {person.id: _truth(site, person, now) for person in site.people()}
    assert rows(site) == {id_: found for id_, found in told.items() if found}
    _check_report(site, list(told.values()), now)


def _funnel(days: int) -> tuple[Any, ...]:
    return (SIGNED_UP, {**ACTIVE, "value": days}, *FUNNEL[2:])


def _check_who_is_active(site: Site, now: datetime) -> None:
    """Who meets it at this moment, on people's rows and as counted."""
    active = queries_of_funnel.checkpoints(site.connection, site.project.id)[1]
    row = site.connection.execute(NUMBER, (site.project.id, active.segment_id)).fetchone()
    assert row is not None
    people = site.people()
    findings.tell(site.connection, site.project.id, people)
    meeting = [one for one in people if one.last_seen and one.last_seen >= now - 28 * DAY]
    assert [one for one in people if row[0] in one.segments] == meeting
    assert active.meeting == len(meeting)


def _message(deed: Deed, now: datetime) -> dict[str, Any]:
    stamp = {"timestamp": (now - deed.late * DAY).isoformat()}
    match deed.what:
        case "page":
            return {**page(deed.anon), **stamp}
        case "track":
            return {**track("Ordered", deed.anon), **stamp}
        case _:
            # Two browsers of one user: the second joins its visitor to them.
            return {**identify("u" if deed.anon != "c" else "v", deed.anon), **stamp}


def _truth(site: Site, person: Person, now: datetime) -> dict[int, datetime]:
    """When the person reached what, from their events and the day they signed up."""
    events = site.events(of=person)
    since = person.signed_up_at if person.kind == "user" else None
    seen = [event["happened_at"] for event in events if event["kind"] in SEEN]
    seen += [
        event["happened_at"]
        for event in events
        if (event["kind"], event["source"]) == ("identify", "browser")
    ]
    orders = [event["happened_at"] for event in events if event["name"] == "Ordered"]
    found: dict[int, datetime] = {}
    if since is not None:
        found[1] = since
    last, first = max(seen, default=None), min(seen, default=None)
    if first is not None and last is not None and (since is None or last >= since - 28 * DAY):
        found[2] = first
    for number, times in ((3, 1), (4, 2)):
        if len(orders) >= times:
            found[number] = sorted(orders)[times - 1]
    return {
        number: min(now, at if since is None else max(at, since)) for number, at in found.items()
    }


def _check_report(site: Site, people: list[dict[int, datetime]], now: datetime) -> None:
    now += timedelta(microseconds=1)  # an instant at which nothing happened any more
    found = report.report(site.connection, site.project.id, Period(now - 30 * DAY, now))
    ordered = [_in_order(one) for one in people if 1 in one]
    inside = [one for one in ordered if now - 30 * DAY <= one[0] < now]
    before = [one for one in ordered if now - 60 * DAY <= one[0] < now - 30 * DAY]
    _check_lists(site, found, now)
    for n, stage in enumerate(found.stages):
        assert stage.reached == sum(len(one) > n for one in inside)
        assert stage.before == sum(len(one) > n for one in before)
        gaps = [one[n] - one[n - 1] for one in inside if n and len(one) > n]
        assert stage.median == (_quantile(gaps, 1, 2) if gaps else None)
        assert stage.p90 == (_quantile(gaps, 9, 10) if gaps else None)
    _check_weeks(site, ordered, now)


def _check_weeks(site: Site, ordered: list[list[datetime]], now: datetime) -> None:
    """Week by week: of whom began in it, how many had come so far after each whole week."""
    chain = report.chain_of(site.connection, site.project.id)
    for n in range(1, len(chain.lanes)):
        found = weeks.cohorts(site.connection, site.project.id, chain, n + 1, now)
        for back, week in zip(range(weeks.WEEKS, 0, -1), found, strict=True):
            began = now - 7 * back * DAY
            of_it = [one for one in ordered if began <= one[0] < began + 7 * DAY]
            assert (week.since, week.people) == (began, len(of_it))
            ways = [one[n] - one[0] for one in of_it if len(one) > n]
            came = [sum(way < 7 * k * DAY for way in ways) for k in range(1, back)]
            assert week.shares == tuple(one / len(of_it) if of_it else 0.0 for one in came)


def _check_lists(site: Site, found: report.Report, now: datetime) -> None:
    """The people behind a bar, and behind a drop, are as many as it says."""
    numbers = [stage.checkpoint.number for stage in found.stages]
    for n, stage in enumerate(found.stages):
        assert _listed(site, bars.reached(numbers[: n + 1], 30), now) == stage.reached
        if n:
            assert _listed(site, bars.dropped(numbers[: n + 1], 30), now) == stage.dropped


def _listed(site: Site, wanted: list[dict[str, Any]], now: datetime) -> int:
    which = queries.Which(now, "user", filter=parse({"all": wanted}))
    return queries.count(site.connection, site.project.id, which).number


def _quantile(gaps: list[timedelta], part: int, of: int) -> timedelta:
    """What so many parts of them stay below: between two of them, as far as it lies."""
    ordered = sorted(gaps)
    below, rest = divmod((len(ordered) - 1) * part, of)
    if not rest:
        return ordered[below]
    return ordered[below] + (ordered[below + 1] - ordered[below]) * rest / of


def _in_order(one: dict[int, datetime]) -> list[datetime]:
    times = [one[1]]
    for number in (2, 3, 4):
        if number not in one or one[number] < times[-1]:
            break
        times.append(one[number])
    return times
