"""Fills a project with a large population in a minute: what lists and ingest are measured on.

    python -m tests.bench.population PROJECT_ID [--people 1000000] [--leads 0.1] [--visitors 0.2]

People go in by COPY, as consistent as if they had come through the tracking API: identities,
memberships, counts and folded copies are those the product itself would have written. Names,
places and devices are drawn from a Zipf-like spread; the same seed gives the same people.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.kit import clock, database
from regulars.kit.ids import key_hash, new_id
from regulars.kit.text import fold
from regulars.people import compact
from regulars.people.facts import search_text
from regulars.people.numbers import slots
from regulars.people.person import HOT, TEXT_FACTS, WIDE, Person, new_person
from regulars.people.store import copy_field, day_number
from regulars.segments.membership import member_key

COPY_WIDE = f"COPY person ({', '.join(WIDE)}) FROM STDIN"
COPY_HOT = (
    f"COPY person_activity (project_id, id, kind, {', '.join(HOT)}, person_version) FROM STDIN"
)
A_CHUNK = 20_000
REBUILD_FROM = 100_000  # people: for so many it is quicker to make the indexes anew
YEAR, FOUR_WEEKS, WEEK = timedelta(days=365), timedelta(days=28), timedelta(days=7)
DAYTIME = timedelta(hours=9)  # over which those are spread who come every day

FIRST = (
    "Amara", "Tomasz", "Linnea", "Mateus", "Haruki", "Chloé", "Priya", "Diego", "Aoife", "Jonas",
    "Nomvula", "Mehmet", "Leilani", "Sofía", "Ingrid", "Kwame", "Yuki", "Fatima", "Liam", "Olga",
    "Rafael", "Mei", "Anders", "Zuzana", "Omar", "Isabel", "Noah", "Thandi", "Lars", "Camila",
    "Arjun", "Nora", "Pavel", "Aisha", "Hugo", "Elif", "Samuel", "Greta", "Ngozi", "Ivan",
    "Maria", "Chen", "Eva", "Tariq", "Anna",
)  # fmt: skip
LAST = (
    "Okafor", "Wiśniewski", "Sjöberg", "Figueiredo", "Tanabe", "Marchand", "Raghunathan",
    "Salvatierra", "Brennan", "Vetter", "Dlamini", "Aydin", "Kealoha", "Restrepo", "Lindqvist",
    "Mensah", "Sato", "Haddad", "Murphy", "Petrova", "Carvalho", "Zhang", "Nielsen", "Novák",
    "Farouk", "Moreno", "Smith", "Mokoena", "Jensen", "Silva", "Patel", "Hansen", "Horák",
    "Bello", "Martin", "Kaya", "Weber", "Fischer", "Adeyemi", "Ivanov", "Rossi", "Li", "Kowalska",
    "Khan", "Svensson", "Dubois", "Keller", "Ortega", "Byrne", "Ito",
)  # fmt: skip
PLACES = (
    ("Nigeria", "NG", "Lagos"), ("Poland", "PL", "Gdańsk"), ("Sweden", "SE", "Göteborg"),
    ("Portugal", "PT", "Porto"), ("Japan", "JP", "Sapporo"), ("France", "FR", "Lyon"),
    ("India", "IN", "Bengaluru"), ("Chile", "CL", "Valparaíso"), ("Ireland", "IE", "Galway"),
    ("Germany", "DE", "Leipzig"), ("South Africa", "ZA", "Durban"), ("Türkiye", "TR", "İzmir"),
    ("United States", "US", "Hilo"), ("Colombia", "CO", "Medellín"), ("Brazil", "BR", "Recife"),
    ("Canada", "CA", "Halifax"), ("Czechia", "CZ", "Brno"), ("Kenya", "KE", "Nairobi"),
    ("Spain", "ES", "Sevilla"), ("Australia", "AU", "Hobart"), ("Iceland", "IS", "Akureyri"),
)  # fmt: skip
DEVICES = (
    ("Chrome", "Windows", "Desktop"), ("Chrome", "Android", "Phone"), ("Safari", "iOS", "Phone"),
    ("Safari", "macOS", "Desktop"), ("Firefox", "Linux", "Desktop"), ("Edge", "Windows", "Desktop"),
    ("Firefox", "Windows", "Desktop"), ("Samsung Internet", "Android", "Phone"),
)  # fmt: skip
SOURCES = (None, None, None, "newsletter", "google", "kaffebladet", "instagram", "partner")
MEDIUMS = (None, "email", "cpc", "social", "referral")
REFERRERS = (
    None, None, "https://search.example/results?q=coffee+box", "https://kaffebladet.example/2026/best",
    "https://social.example/p/91", "https://partner.example/offers",
)  # fmt: skip
GENDERS = (None, "female", "male", "diverse")
ZONES = ("Europe/Stockholm", "America/New_York", "Asia/Tokyo", "Europe/London", "Africa/Lagos")
PLANS = ("free", "weekly box", "pantry", "office")
WORDS = (
    "likes dark roasts", "asked about grinders", "came by the fair", "prefers decaf",
    "Büro in Köln",
    "moved last year", "drinks filter only", "gives boxes away", "pays by invoice", "speaks Polish",
)  # fmt: skip
INDUSTRIES = ("Design", "Logistics", "Health", "Education", "Software", "Hotels", "Baking", "Law")
TAGS: tuple[list[str], ...] = (
    [],
    [],
    [],
    [],
    ["champion"],
    ["gift buyer"],
    ["wholesale", "champion"],
)

SECONDARY = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY('{person,person_activity,identity,segment_member}'::regclass[])
  AND NOT indisprimary AND NOT indisunique
"""
ADD_KINDS = """
INSERT INTO kind_count (project_id, id, people) VALUES (%s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET people = kind_count.people + excluded.people
"""
ADD_MEMBERS = "UPDATE segment_count SET people = people + %s WHERE project_id = %s AND id = %s"
ADD_KEYS = """
INSERT INTO attribute_key (project_id, id, scope, key, type, created_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
KEYS = (
    ("attributes", "plan", "text"), ("attributes", "lifetime_value", "number"),
    ("attributes", "seats", "number"), ("attributes", "newsletter", "boolean"),
    ("attributes", "renewal", "date"), ("attributes", "about", "text"),
    ("attributes", "office_ip", "text"), ("attributes", "trial_ends", "date"),
    ("company", "id", "text"), ("company", "name", "text"), ("company", "industry", "text"),
    ("company", "size", "number"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shares:
    """Which part of the people are leads and visitors; the rest are users."""

    leads: float = 0.1
    visitors: float = 0.2


class Population:
    """People of one project, made one after the other."""

    def __init__(self, project_id: UUID, now: datetime, shares: Shares, seed: int = 1) -> None:
        self._project_id = project_id
        self._now = now
        self._shares = shares
        self._random = random.Random(seed)
        self._prefix = new_id(now).hex[-6:]
        self._day = day_number(now.date())
        self._places = self._zipf(PLACES)
        self._devices = self._zipf(DEVICES)

    def people(self, count: int) -> Iterator[Person]:
        """So many people."""
        # In the order in which they came, as an installation stores them.
        ages = sorted((self._random.random() ** 1.5 for _ in range(count)), reverse=True)
        for number, age in enumerate(ages):
            yield self._person(number, self._now - YEAR * age)

    def _zipf(self, values: tuple[Any, ...]) -> list[Any]:
        weights = [1 / rank for rank in range(1, len(values) + 1)]
        return self._random.choices(values, weights=weights, k=10_000)

    def _person(self, number: int, made_at: datetime) -> Person:
        chance = self._random
        person = new_person(self._project_id, new_id(made_at), made_at)
        share = chance.random()
        if share >= self._shares.visitors:
            self._named(person, number)
            person.kind = "lead"
        if share >= self._shares.visitors + self._shares.leads:
            person.kind = "user"
            person.user_id = f"u_{self._prefix}_{number}"
            person.signed_up_at = made_at
        self._equip(person, number)
        self._seen(person, made_at)
        self._fold(person, made_at)
        person.version = chance.getrandbits(63)
        return person

    def _named(self, person: Person, number: int) -> None:
        person.first_name = self._random.choice(FIRST)
        person.last_name = self._random.choice(LAST)
        person.name = f"{person.first_name} {person.last_name}"
        person.email = f"{person.first_name}.{person.last_name}{number}@example.com".lower()
        person.attributes = {
            "plan": PLANS[number % 4],
            "lifetime_value": round(self._random.expovariate(1 / 200), 2),
        }
        self._say_more(person, number)
        person.tags = list(TAGS[number % len(TAGS)])

    def _say_more(self, person: Person, number: int) -> None:
        """Custom attributes of every type, none of them known of everybody; a company for some."""
        chance = self._random
        about = person.attributes
        if number % 3:
            about["seats"] = int(chance.paretovariate(1.1)) % 1000
            about["newsletter"] = chance.random() < 0.4
        if number % 2:
            renewal = self._now + timedelta(days=chance.randrange(-200, 200))
            about["renewal"] = renewal.date().isoformat()
            about["about"] = ", ".join(chance.sample(WORDS, 3))
        if number % 10 == 1:
            about["office_ip"] = f"198.51.{number // 10 % 100}.{number % 250}"
            about["trial_ends"] = (self._now + timedelta(hours=number % 2000)).isoformat("T")
        if number % 4 == 0:
            shop = self._zipf_number(5000)
            industry = INDUSTRIES[shop % len(INDUSTRIES)]
            person.company = {"id": f"c{shop}", "name": f"{LAST[shop % 50]} & Co {shop}"}
            person.company |= {"industry": industry, "size": shop * 7 % 400}

    def _zipf_number(self, most: int) -> int:
        return int(most ** self._random.random())

    def _equip(self, person: Person, number: int) -> None:
        person.country, person.country_code, person.city = self._places[number % 10_000]
        person.browser, person.os, person.device = self._devices[number * 7 % 10_000]
        person.browser_version = "142"
        person.ip = f"203.0.{number // 250 % 250}.{number % 250}"
        person.utm_source = SOURCES[number % len(SOURCES)]
        person.utm_medium = MEDIUMS[number % len(MEDIUMS)]
        person.referrer = REFERRERS[number % len(REFERRERS)]
        person.timezone = ZONES[number % 10_000 % len(ZONES)]
        person.gender = GENDERS[number // 7 % len(GENDERS)]
        person.language = "en"

    def _seen(self, person: Person, made_at: datetime) -> None:
        chance = self._random
        person.first_seen = made_at
        # Most of those who came a year ago have come again lately; a third has not.
        since = (self._now - made_at) * chance.random() ** 6 + DAYTIME * chance.random()
        since = min(since, self._now - made_at)
        person.last_seen = self._now - since
        person.browser_seen_at = person.last_seen
        person.page_url, person.page_path = "https://example.com/shop", "/shop"
        person.page_title, person.page_since = "Shop", person.last_seen
        person.sessions = int(1 + chance.paretovariate(1.2)) % 500
        person.page_views = person.sessions * 6
        gone = min(28, since.days)
        kept = bytes(chance.choice((0, 0, 1, 3, 9)) for _ in range(28 - gone))
        person.rhythm = kept.rjust(28, b"\0")
        person.rhythm_day = self._day - gone
        person.segments = self._segments(person)

    def _segments(self, person: Person) -> list[int]:
        if person.kind != "user" or person.signed_up_at is None or person.last_seen is None:
            return []
        numbers = [1]
        if person.signed_up_at >= self._now - WEEK:
            numbers.append(2)
            person.next_move_at = person.signed_up_at + WEEK
        if person.last_seen >= self._now - FOUR_WEEKS:
            numbers.append(3)
        else:
            numbers.append(4)
        return numbers

    def _fold(self, person: Person, made_at: datetime) -> None:
        for fact in TEXT_FACTS:
            value = getattr(person, fact)
            if value:
                person.folded[fact] = fold(value)
                person.stamps[fact] = made_at.timestamp()
        for bag, values in (("attributes", person.attributes), ("company", person.company)):
            for key, value in values.items():
                person.stamps[f"{bag}.{key}"] = made_at.timestamp()
                if isinstance(value, str):
                    person.folded[f"{bag}.{key}"] = fold(value)
        person.email_folded = person.folded.get("email")
        person.name_folded = person.folded.get("name")
        person.name_sort = person.name_folded or person.email_folded or ""
        person.search = search_text(person)


def load(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    people: int,
    *,
    now: datetime,
    shares: Shares | None = None,
    seed: int = 1,
) -> None:
    """Add so many people to the project."""
    segments: dict[int, UUID] = dict(
        connection.execute(
            "SELECT number, id FROM segment WHERE project_id = %s AND builtin IS NOT NULL",
            (project_id,),
        ).fetchall()
    )
    population = Population(project_id, now, shares or Shares(), seed)
    with without_indexes(connection) if people >= REBUILD_FROM else nullcontext():
        chunk: list[Person] = []
        for person in population.people(people):
            chunk.append(person)
            if len(chunk) == A_CHUNK:
                _write(connection, chunk, segments, now)
                chunk = []
        _write(connection, chunk, segments, now)
    for scope, key, kind in KEYS:
        connection.execute(ADD_KEYS, (project_id, key_hash(scope, key), scope, key, kind, now))
    connection.execute(
        "VACUUM ANALYZE person, person_activity, person_compact, identity, segment_member"
    )


@contextmanager
def without_indexes(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Drop what is not a key for the block, and make it again."""
    dropped = connection.execute(SECONDARY).fetchall()
    for name, _ in dropped:
        connection.execute(f"DROP INDEX {name}")
    try:
        yield
    finally:
        for _, definition in dropped:
            connection.execute(definition)


def _write(
    connection: psycopg.Connection[Any],
    people: list[Person],
    segments: dict[int, UUID],
    now: datetime,
) -> None:
    if not people:
        return
    project = people[0].project_id
    taken = slots.of(project, compact.keys(people))
    with connection.transaction():
        _copy(connection, COPY_WIDE, ([getattr(p, c) for c in WIDE] for p in people))
        hot = ("project_id", "id", "kind", *HOT, "version")
        _copy(connection, COPY_HOT, ([getattr(p, c) for c in hot] for p in people))
        _copy(connection, compact.COPY, (compact.values(person, taken) for person in people))
        _copy(
            connection,
            "COPY identity (project_id, id, kind, value, person_id, created_at) FROM STDIN",
            (_identity(person, now) for person in people),
        )
        _copy(
            connection,
            "COPY segment_member (project_id, id, segment_id, person_id, since) FROM STDIN",
            (
                (project, member_key(segments[n], p.id), segments[n], p.id, now)
                for p in people
                for n in p.segments
            ),
        )
        for kind in ("lead", "user", "visitor"):
            connection.execute(ADD_KINDS, (project, kind, sum(p.kind == kind for p in people)))
        for number, segment in segments.items():
            added = sum(number in p.segments for p in people)
            connection.execute(ADD_MEMBERS, (added, project, segment))


def _identity(person: Person, now: datetime) -> tuple[Any, ...]:
    kind, value = ("user", person.user_id) if person.user_id else ("anonymous", str(person.id))
    return person.project_id, key_hash(kind, str(value)), kind, value, person.id, now


def _copy(connection: psycopg.Connection[Any], statement: str, rows: Any) -> None:
    text = "".join("\t".join(map(copy_field, row)) + "\n" for row in rows)
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(text.encode())


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("project", type=UUID)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--leads", type=float, default=0.1)
    options.add_argument("--visitors", type=float, default=0.2)
    given = options.parse_args()
    started = time.monotonic()
    with database.connect() as connection:
        shares = Shares(given.leads, given.visitors)
        load(connection, given.project, given.people, now=clock.now(), shares=shares)
    took = time.monotonic() - started
    print(msgspec.json.encode({"people": given.people, "seconds": round(took, 1)}).decode())


if __name__ == "__main__":
    main()
