"""CONTRACT.md, 'Erasure': everything goes, what was before stays out, what comes later is new."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from regulars.people import actions, erasure
from regulars.people.person import Person
from regulars.workspaces.errors import UnknownError
from tests.slices.tracking.site import NOON, Site, group, identify, open_site, page, track

Database = psycopg.Connection[Any]

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WHEN = NOON + HOUR  # of the erasure

# Words that nothing but the erased person's rows may hold.
USER = "user-erased-7261"
ANON = "anon-erased-7261"
EMAIL = "Erased.7261@example.com"
WORDS = (USER, ANON, EMAIL.lower(), "trait-erased-7261", "path-erased-7261")

# Which tables of the project hold something of a person, by any column of type uuid or uuid[].
TABLES = """
SELECT c.table_name, array_agg(c.column_name::text) FILTER (WHERE c.udt_name = 'uuid'),
       array_agg(c.column_name::text) FILTER (WHERE c.udt_name = '_uuid')
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
GROUP BY c.table_name HAVING bool_or(c.column_name = 'project_id')
"""


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


# It removes the person, identities, events, files: everything.


def test_nothing_of_the_person_is_left_in_any_table(site: Site) -> None:
    _live_a_full_life(site)
    person = _of(site, USER)
    assert _rows_about(site, person.id) > 5
    assert _rows_saying(site, *WORDS) > 5
    _erase(site, person)
    assert _rows_about(site, person.id) == 0
    assert _rows_saying(site, *WORDS) == 0


def test_nothing_is_left_in_merges_either_undone_or_not(site: Site) -> None:
    _live_a_full_life(site)
    site.send(identify("other"), identify("third"))
    person, other, third = (_of(site, user) for user in (USER, "other", "third"))
    _merge(site, other, third)
    into_other = _merge(site, person, third)
    _undo(site, into_other)
    back = _of(site, USER)
    onto = _merge(site, third, back)
    _undo(site, onto)
    _erase(site, _of(site, USER))
    assert _rows_about(site, person.id) == 0
    assert _rows_saying(site, *WORDS) == 0
    assert {one.user_id for one in site.people()} == {"third"}


def test_who_was_merged_into_the_erased_is_erased_with_them(site: Site) -> None:
    _live_a_full_life(site)
    site.send(identify("other"))
    person, other = _of(site, USER), _of(site, "other")
    _merge(site, person, other)
    _erase(site, other)
    assert site.people() == []
    assert _rows_about(site, person.id) == 0
    assert _rows_saying(site, *WORDS) == 0


def test_others_keep_everything(site: Site, database: Database) -> None:
    elsewhere = open_site(database)
    for each in (site, elsewhere):
        _live_a_full_life(each)
        each.send(page("a2", "/mine"), identify("other", "a2"))
    _erase(site, _of(site, USER))
    assert site.paths(site.only_person()) == ["/mine"]
    assert len(elsewhere.people()) == 2
    assert _rows_saying(elsewhere, *WORDS) > 5


def test_counts_and_lists_are_without_them(site: Site) -> None:
    site.send(identify(USER, ANON), identify("other", "a2"), page("a3"))
    _erase(site, _of(site, USER))
    assert site.kinds() == {"user": 1, "visitor": 1}
    row = site.connection.execute(
        "SELECT c.people FROM segment s JOIN segment_count c"
        " ON c.project_id = s.project_id AND c.id = s.id"
        " WHERE s.project_id = %s AND s.builtin = 'all'",
        (site.project.id,),
    ).fetchone()
    assert row == (1,)


def test_nobody_is_erased_twice(site: Site) -> None:
    site.send(identify(USER))
    person = site.only_person()
    _erase(site, person)
    with pytest.raises(UnknownError):
        _erase(site, person)


# Keyed hashes refuse events timed before it for 30 days (answered 200, counted).


@pytest.mark.parametrize(
    "message",
    [
        page(ANON, at=WHEN - SECOND),
        page(user=USER, at=WHEN - SECOND),
        page("a-new-browser", user=USER, at=WHEN - SECOND),
        identify("another-user", ANON, at=WHEN - SECOND),
        identify(None, "a-new-browser", {"email": EMAIL}, at=WHEN - SECOND),
        {"type": "alias", "previousId": ANON, "userId": "u2",
         "timestamp": (WHEN - SECOND).isoformat()},
        {"type": "alias", "previousId": USER, "userId": "u2",
         "timestamp": (WHEN - SECOND).isoformat()},
    ],
)  # fmt: skip
def test_what_happened_before_is_refused_quietly(site: Site, message: dict[str, Any]) -> None:
    _live_a_full_life(site)
    _erase(site, _of(site, USER))
    answer = site.send(message, at=WHEN + DAY)
    assert (answer.status, answer.body) == (200, {"success": True})
    assert site.people() == []
    assert site.drops()["erased"] == 1
    assert "erased" not in site.reasons()


def test_a_neighbour_in_the_batch_is_kept(site: Site) -> None:
    site.send(identify(USER, ANON))
    _erase(site, site.only_person())
    site.send(page(ANON, at=WHEN - SECOND), page("a2", at=WHEN - SECOND), at=WHEN + SECOND)
    assert site.person_of(anon="a2") is not None
    assert site.count("event") == 1


def test_later_activity_makes_a_new_person(site: Site) -> None:
    site.send(identify(USER, ANON, {"plan": "pro"}))
    before = site.only_person()
    _erase(site, before)
    site.send(page(ANON, "/again"), identify(USER, ANON), at=WHEN + SECOND)
    anew = site.only_person()
    assert anew.id != before.id
    assert (anew.user_id, anew.attributes, site.paths(anew)) == (USER, {}, ["/again"])


def test_what_was_before_stays_out_for_30_days(site: Site) -> None:
    site.send(identify(USER, ANON))
    _erase(site, site.only_person())
    for later in (DAY, 30 * DAY - SECOND):
        erasure.forget_old(site.connection, WHEN + later)
        site.send(page(ANON, at=WHEN - SECOND), at=WHEN + later)
        assert site.people() == []


def test_after_30_days_nothing_reminds_of_them(site: Site) -> None:
    site.send(identify(USER, ANON))
    _erase(site, site.only_person())
    assert site.count("erased_key") == 2
    erasure.forget_old(site.connection, WHEN + 30 * DAY)
    assert site.count("erased_key") == 0
    site.send(page(ANON, at=WHEN - SECOND), at=WHEN + 30 * DAY)
    assert site.kinds() == {"visitor": 1}


def test_what_is_remembered_tells_nobody_who_it_was(
    site: Site, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = open_site(database)
    hashes: list[set[Any]] = []
    for each, secret in ((site, "one"), (elsewhere, "one"), (open_site(database), "other")):
        monkeypatch.setenv("REGULARS_SECRET_KEY", secret)
        each.send(identify(USER))
        _erase(each, each.only_person())
        rows = database.execute(
            "SELECT id FROM erased_key WHERE project_id = %s", (each.project.id,)
        )
        hashes.append({row[0] for row in rows})
    assert len(set.union(*hashes)) == 3  # keyed by the secret, and by the project


def test_a_second_erasure_counts_from_its_own_time(site: Site) -> None:
    site.send(identify(USER))
    _erase(site, site.only_person())
    site.send(identify(USER), at=WHEN + DAY)
    _erase(site, site.only_person(), at=WHEN + 2 * DAY)
    site.send(page(user=USER, at=WHEN + DAY), at=WHEN + 3 * DAY)
    assert site.people() == []


def _live_a_full_life(site: Site) -> None:
    """Every kind of row there is about somebody."""
    traits = {"email": EMAIL, "name": "trait-erased-7261", "attribute": "trait-erased-7261"}
    url = "/path-erased-7261?utm_source=trait-erased-7261"
    site.send(
        page(ANON, url),
        track("Bought", ANON, properties={"what": "trait-erased-7261"}),
        identify(None, ANON, traits),
        at=NOON,
    )
    site.send(identify(USER, ANON, traits), group("trait-erased-7261", ANON), at=NOON + SECOND)
    site.send(page("second-browser", url), identify(USER, "second-browser"), at=NOON + 2 * SECOND)
    site.send(
        {"type": "track", "userId": USER},  # refused, and shown on the Tracking page
        identify(USER, traits={"email": ["trait-erased-7261"]}),
        {"type": "identify", "anonymousId": ANON, "traits": {"email": EMAIL, "phone": {}}},
        at=NOON + 3 * SECOND,
    )


def _erase(site: Site, person: Person, at: Any = WHEN) -> None:
    with site.connection_in_transaction() as connection:
        actions.erase(connection, site.project.id, person.id, at)


def _merge(site: Site, gone: Person, into: Person) -> UUID:
    with site.connection_in_transaction() as connection:
        return actions.merge_people(
            connection, site.project.id, gone.id, into.id, NOON + HOUR, cause="agent"
        )


def _undo(site: Site, merge_id: UUID) -> None:
    with site.connection_in_transaction() as connection:
        actions.undo_merge(connection, site.project.id, merge_id, NOON + HOUR)


def _of(site: Site, user: str) -> Person:
    person = site.person_of(user=user)
    assert person is not None
    return person


def _rows_about(site: Site, person_id: UUID) -> int:
    """How many rows of the project name the person's id in a column of their own."""
    found = 0
    for table, one, many in site.connection.execute(TABLES).fetchall():
        tests = [sql.SQL("{} = %(id)s").format(sql.Identifier(name)) for name in one or ()]
        tests += [sql.SQL("%(id)s = ANY({})").format(sql.Identifier(name)) for name in many or ()]
        found += _count(site, table, sql.SQL(" OR ").join(tests), {"id": person_id})
    return found


def _rows_saying(site: Site, *words: str) -> int:
    """How many rows of the project hold one of the words, in whatever column."""
    words_in = sql.SQL("lower(row_to_json(t)::text) LIKE ANY(%(words)s)")
    patterns = {"words": [f"%{word.lower()}%" for word in words]}
    return sum(
        _count(site, table, words_in, patterns)
        for table, _, _ in site.connection.execute(TABLES).fetchall()
    )


def _count(site: Site, table: str, test: sql.Composable, values: dict[str, Any]) -> int:
    query = sql.SQL("SELECT count(*) FROM {} t WHERE project_id = %(project)s AND ({})").format(
        sql.Identifier(table), test
    )
    row = site.connection.execute(query, {**values, "project": site.project.id}).fetchone()
    return row[0] if row else 0
