"""What one event changes of the person who did it: the rules of CONTRACT.md, 'Meaning'.

Pure. Events come in any order and more than once across retries; the results don't depend on the
order: last_seen is a maximum, first touch a minimum, a fact takes its newest saying.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars.people import facts, rhythm
from regulars.people.person import Kind, Person
from regulars.tracking.enrich.campaign import Touch
from regulars.tracking.enrich.geo import Place
from regulars.tracking.enrich.user_agent import Agent
from regulars.tracking.pipeline.drops import Notice
from regulars.tracking.pipeline.steps import SEEN, Event

SILENCE = 30 * 60  # seconds after which a session is closed
KEPT_RUNS = 3  # recent sessions of one browser, for events that arrive late
KEPT_BROWSERS = 6
SESSIONLESS = frozenset({"alias", "group"})  # say who somebody is, not that they are there

# What an import calls the time a person was last seen.
LAST_SEEN = frozenset({"last_seen", "lastSeen"})

_VERIFIED = "identity.verified"  # in a person's stamps: somebody we trust said who this is
_ORIGIN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer")


class OpenedSession(NamedTuple):
    """A session that this event opens."""

    id: str
    event: Event
    person: Person


class Folded(NamedTuple):
    """What the event is part of, opens, and what of it was left out."""

    session_id: str | None
    opened: OpenedSession | None
    notices: Sequence[Notice]


def fold(person: Person, event: Event, zone: ZoneInfo, new_id: Callable[[], UUID]) -> Folded:
    """Take one event into the person it belongs to."""
    at = event.happened_at
    second = int(at.timestamp())
    if person.first_seen is None or at < person.first_seen:
        person.first_seen = at
        person.changed = True
    notices: Sequence[Notice] = ()
    if event.kind == "identify":
        notices = _identified(person, event)
    elif event.kind == "group":
        notices = _grouped(person, event)
    if person.kind == "user" and (event.user_id or event.request.registered):
        _signed_up(person, at)
    if event.touch is not None:
        _touched(person, event.touch, at)
    if person.context_at is None or at >= person.context_at:
        _on_device(person, event)
    if _counts_as_seen(event):
        _seen(person, event, zone, second)
    if not event.browser or event.kind in SESSIONLESS:
        return Folded(None, None, notices)
    return Folded(*_in_session(person, event, second, new_id), notices)


def become_user(person: Person, user_id: str | None) -> None:
    """The person is registered with the product from now on; None where no id is known yet."""
    _become(person, "user")
    if user_id is not None:
        facts.put(person, "user_id", user_id)


def _become(person: Person, kind: Kind) -> None:
    if person.kind != kind:
        person.kind = kind
        person.changed = person.seen_changed = True


def become_lead(person: Person, event: Event) -> None:
    """A fresh person of whom the event's address is known."""
    email = {"email": event.traits["email"]}
    facts.apply_traits(person, email, event.happened_at, lambda _key, _problem: None)
    _become(person, "lead")


def _identified(person: Person, event: Event) -> list[Notice]:
    notices: list[Notice] = []
    if event.request.enforce_identity and not event.verified and _VERIFIED in person.stamps:
        notices.append(Notice("traits", "left out: this claim is not signed, an earlier one was"))
        return notices
    if event.verified and event.user_id and _VERIFIED not in person.stamps:
        person.stamps[_VERIFIED] = 1
        person.said_again = True
    traits = event.traits
    if event.request.imported and not LAST_SEEN.isdisjoint(traits):
        traits = _seen_before(person, event, notices)
    if traits:
        facts.apply_traits(person, traits, event.happened_at, _noting(notices, "traits"))
    if event.request.registered:
        become_user(person, event.user_id)
    elif person.kind == "visitor" and (person.email or facts.folded_email(traits.get("email"))):
        _become(person, "lead")
    return notices


def _seen_before(person: Person, event: Event, notices: list[Notice]) -> dict[str, Any]:
    """An import may say when the person was seen last: a maximum too. Returns the other traits."""
    traits = dict(event.traits)
    for key in LAST_SEEN & traits.keys():
        value = traits.pop(key)
        at = facts.instant_of(value)
        if at is None:
            if value not in (None, ""):
                notices.append(Notice(f"traits.{key}", "neither an ISO date nor unix seconds"))
            continue
        at = min(at, event.request.received_at)
        if person.last_seen is None or at > person.last_seen:
            person.last_seen = at
            person.seen_changed = True
        if person.first_seen is None or at < person.first_seen:
            person.first_seen = at
            person.changed = True
    return traits


def _grouped(person: Person, event: Event) -> list[Notice]:
    notices: list[Notice] = []
    company = dict(event.traits)
    if event.group_id:
        company["id"] = event.group_id
    stamp = event.happened_at.timestamp()
    facts.apply_company(person, company, stamp, _noting(notices, "traits"))
    return notices


def _noting(notices: list[Notice], scope: str) -> facts.Warn:
    def note(key: str, problem: str) -> None:
        notices.append(Notice(f"{scope}.{key}", problem))

    return note


def _signed_up(person: Person, at: datetime) -> None:
    """Without a createdAt: the first time this person is a user."""
    if "signed_up_at" in person.stamps:
        return
    if person.signed_up_at is None or at < person.signed_up_at:
        facts.put(person, "signed_up_at", at)


def _touched(person: Person, touch: Touch, at: datetime) -> None:
    """First touch: of all that say where the person came from, the earliest."""
    if person.touched_at is not None and at >= person.touched_at:
        return
    if not any(getattr(touch, column) for column in _ORIGIN):
        return
    for column in (*_ORIGIN, "landing_page"):
        facts.put(person, column, getattr(touch, column))
    facts.put(person, "touched_at", at)


def _on_device(person: Person, event: Event) -> None:
    """What the newest event says of where the person is, and of what they use."""
    agent, place = event.agent, event.place
    has_browser = agent is not None and bool(agent.browser or agent.os)
    if agent is not None and has_browser:
        _browses_by(person, agent)
    if event.ip is not None and person.ip != event.ip:
        facts.put(person, "ip", event.ip)
    if place is not None and not _is_known_place(person, place):
        _placed(person, place.country, place.country_code, place.region, place.city)
    if event.language and person.language != event.language:
        facts.put(person, "language", event.language)
    if event.timezone and person.timezone != event.timezone:
        facts.put(person, "timezone", event.timezone)
    if has_browser or event.ip is not None or event.language:
        person.context_at = event.happened_at
        person.came_by = True


def _browses_by(person: Person, agent: Agent) -> None:
    """As good as every event says what the one before it said: then nothing is put."""
    if (
        person.browser != agent.browser
        or person.browser_version != agent.browser_version
        or person.os != agent.os
        or person.device != agent.device
    ):
        for column in ("browser", "browser_version", "os", "device"):
            facts.put(person, column, getattr(agent, column) or None)


def _is_known_place(person: Person, place: Place) -> bool:
    """Whether the IP's word changes nothing: what it leaves open, others may have said."""
    return (
        person.country == place.country
        and person.country_code == place.country_code
        and (person.region == place.region if place.region else "geo.region" not in person.stamps)
        and (person.city == place.city if place.city else "geo.city" not in person.stamps)
    )


def _placed(
    person: Person, country: str | None, code: str | None, region: str | None, city: str | None
) -> None:
    """The IP's word on the place comes before an address in the traits."""
    for column, value in (("country", country), ("region", region), ("city", city)):
        if value:
            if facts.put(person, column, value):
                person.stamps[f"geo.{column}"] = 1
        elif f"geo.{column}" in person.stamps:
            del person.stamps[f"geo.{column}"]
            facts.put(person, column, None)
    facts.put(person, "country_code", code)


def _counts_as_seen(event: Event) -> bool:
    if event.request.imported:
        return False
    context = event.message.context
    if context is not None and context.active is False:
        return False
    return event.kind in SEEN or (event.kind == "identify" and event.browser)


def _seen(person: Person, event: Event, zone: ZoneInfo, second: int) -> None:
    at = event.happened_at
    person.came_by = True
    if person.last_seen is None or at > person.last_seen:
        person.last_seen = at
    if person.sighted is None or at < person.sighted:
        person.sighted = at
    if event.kind in SEEN:
        day = _day(zone, second // 900)
        person.rhythm, person.rhythm_day = rhythm.add(person.rhythm, person.rhythm_day, day)
    if event.kind in ("page", "screen"):
        person.page_views += 1
    if not event.browser:
        return
    if person.browser_seen_at is None or at > person.browser_seen_at:
        person.browser_seen_at = at
    if event.kind == "page" and (person.page_since is None or at >= person.page_since):
        person.page_url, person.page_path = event.url, event.path
        person.page_title, person.page_since = event.title, at


def _in_session(
    person: Person, event: Event, at: int, new_id: Callable[[], UUID]
) -> tuple[str, OpenedSession | None]:
    """The session the event is part of: opened by it where none of that browser is near."""
    browser = event.anonymous_id or f"user:{event.user_id}"
    runs = person.open_sessions.get(browser, [])
    person.came_by = True
    for run in runs:
        if run[1] - SILENCE <= at <= run[2] + SILENCE:
            if at > run[2]:
                run[2] = at
            elif at < run[1]:
                run[1] = at
            return run[0], None
    opened = str(new_id())
    person.sessions += 1
    kept = sorted([*runs, [opened, at, at]], key=lambda run: -run[2])[:KEPT_RUNS]
    browsers = {**person.open_sessions, browser: kept}
    if len(browsers) > KEPT_BROWSERS:
        del browsers[min(browsers, key=lambda name: browsers[name][0][2])]
    person.open_sessions = browsers
    return opened, OpenedSession(opened, event, person)


@lru_cache(maxsize=50_000)
def _day(zone: ZoneInfo, quarter: int) -> int:
    """Days since 1970 of a quarter of an hour: no zone's offset changes within one."""
    return datetime.fromtimestamp(quarter * 900, zone).date().toordinal() - 719_163
