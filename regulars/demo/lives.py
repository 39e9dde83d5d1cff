"""The lives of the demo population: when they came, how often, and whether they still do.

A year of visits. Few people come very often and most seldom, as Zipf has it; a third of those who
signed up have not been seen for four weeks; a few are here now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from regulars.demo.personas import Persona, chance, persona
from regulars.demo.visits import Event, Shopper, Visit

YEAR = 365.0  # days
SLIPPED = 28.0  # days without a visit
MOST_VISITS = 60
LONGEST_VISIT = timedelta(minutes=90)
# However few people, some are here now.
HERE_NOW = (1, 4)
HERE_NOW_EVERY = 80


@dataclass(frozen=True, slots=True)
class World:
    """What all lives of a population share. The same world is lived the same way again."""

    seed: int
    now: datetime
    base_url: str


def life(index: int, world: World) -> tuple[Persona, list[Event]]:
    """The person with this number, and everything they did, in order."""
    random = Random(f"{world.seed}:{index}")  # noqa: S311 - a story, not a secret
    somebody = persona(random, f"u-{_base36(world.seed)}-{_base36(index)}", index)
    who = Shopper(somebody, random, world.base_url)
    visits = _visits(who, _moments(who, world, here_now=_is_here_now(index)), world.now)
    events = [event for visit in visits for event in visit.events]
    return somebody, sorted(events, key=lambda event: event["timestamp"])


def _visits(who: Shopper, moments: list[datetime], now: datetime) -> list[Visit]:
    # Half of those who sign up do so on their first visit.
    random = who.random
    last = len(moments) - 1
    joins = 0 if chance(random, 0.5) else random.randint(0, min(3, last))
    devices = list(who.persona.devices[:1])
    visits: list[Visit] = []
    for number, moment in enumerate(moments):
        known = number > joins
        if known and len(devices) < len(who.persona.devices) and chance(random, 0.5):
            who.signed_in = False
            devices.append(who.persona.devices[1])
            visit = who.visit(devices[-1], moment, first=False)
            visit.sign_in()
        else:
            visit = who.visit(random.choice(devices), moment, first=number == 0)
        visit.stroll()
        if number == joins and who.persona.kind == "user":
            visit.sign_up()
        elif number == joins and who.persona.kind == "lead":
            visit.subscribe()
        visits.append(visit)
        if visit.at > now:
            # Whoever would still be here later came in that much earlier.
            visit.came_earlier(visit.at - now)
    return visits


def _moments(who: Shopper, world: World, *, here_now: bool) -> list[datetime]:
    """When they came in, from the first time to the last."""
    random, now = who.random, world.now
    is_user = who.persona.kind == "user"
    # More came lately than a year ago.
    first = YEAR * random.random() ** 1.35 + 0.02
    if here_now:
        last = random.uniform(0.1, 3) / 24 / 60
    elif is_user and first > SLIPPED + 4 and chance(random, 0.42):
        last = SLIPPED + 0.5 + (first - SLIPPED - 0.5) * random.random()
    elif is_user:
        last = min(first, random.expovariate(1 / 5), SLIPPED - 1)
    else:
        last = max(0.01, first - random.expovariate(1 / 6))
    often = min(MOST_VISITS, int(1 / max(random.random(), 0.001) ** 0.8))
    count = often + 1 if is_user else min(often, 5)
    between = [
        _awake(who, now - timedelta(days=last + (first - last) * random.random() ** 1.3))
        for _ in range(count - 2)
    ]
    end = now - timedelta(days=last)
    begin = now - timedelta(days=first)
    if count == 1:
        return [end]
    return _apart([begin, *sorted(moment for moment in between if begin < moment < end), end])


def _apart(moments: list[datetime]) -> list[datetime]:
    """Without those that would begin before the visit before them is surely over."""
    kept = moments[-1:]
    for moment in reversed(moments[:-1]):
        if kept[0] - moment > LONGEST_VISIT:
            kept.insert(0, moment)
    return kept


def _awake(who: Shopper, moment: datetime) -> datetime:
    """The same day, at an hour when people there are up: most of all in the evening."""
    hour = who.random.triangular(7, 23.5, 19.5) - who.persona.country.offset
    return moment.replace(hour=0, minute=0, second=0) + timedelta(hours=hour % 24)


def _is_here_now(index: int) -> bool:
    return index in HERE_NOW or index % HERE_NOW_EVERY == 0


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return text or "0"


def lives(indexes: range, world: World) -> Iterator[tuple[Persona, list[Event]]]:
    """Several people, one after another."""
    for index in indexes:
        yield life(index, world)
