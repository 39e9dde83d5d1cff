"""A lean connection answers as psycopg's does, and runs what is for later in its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from threading import Thread
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.kit import connection as lean
from regulars.kit import database as kit_database
from regulars.kit.connection import Connection, copying, later

Database = psycopg.Connection[Any]

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
_values = st.one_of(
    st.none(), st.booleans(), _texts, st.binary(), st.uuids(), st.dates(date(1, 1, 1)),
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.lists(_texts, min_size=1),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
)  # fmt: skip


@pytest.fixture
def own(database: Database) -> Iterator[Connection]:
    """A lean connection with a table of its own."""
    del database
    with kit_database.connect_lean() as connection:
        connection.execute("CREATE TEMP TABLE said (id int PRIMARY KEY, text text)")
        yield connection


def _said(connection: Connection) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = connection.execute(
        "SELECT id, text FROM said ORDER BY id", prepare=True
    ).fetchall()
    return rows


SAY = "INSERT INTO said VALUES (%s, %s)"


@given(st.lists(_values, min_size=1, max_size=6), st.booleans())
def test_whatever_is_asked_it_answers_as_psycopg_does(values: list[Any], is_binary: bool) -> None:
    places = ", ".join("%s::text" if value is None else "%s" for value in values)
    asked = f"SELECT {places}, '100 %%', ARRAY[1, 2], '{{\"a\": [1]}}'::jsonb"
    with kit_database.connect_lean() as ours, kit_database.connect() as theirs:
        found, expected = (
            one.execute(asked, values, prepare=True, binary=is_binary) for one in (ours, theirs)
        )
        assert found.rowcount == expected.rowcount == 1
        assert found.fetchone() == expected.fetchone()
        assert found.fetchone() is expected.fetchone() is None


def test_names_may_come_in_any_order_and_again(own: Connection) -> None:
    row = own.execute("SELECT %(b)s, %(a)s, %(b)s", {"a": 1, "b": "x"}, prepare=True).fetchone()
    assert row == ("x", 1, "x")


def test_without_values_a_percent_sign_is_one(own: Connection) -> None:
    assert own.execute("SELECT '%s'", prepare=True).fetchone() == ("%s",)


def test_rows_are_fetched_once(own: Connection) -> None:
    answer = own.execute("SELECT generate_series(1, 3)", prepare=True)
    assert answer.fetchone() == (1,)
    assert list(answer) == [(2,), (3,)]
    assert answer.fetchall() == []


def test_what_is_for_later_runs_in_order_with_the_next(own: Connection) -> None:
    own.later(SAY, (1, "one"))
    asked = own.later("SELECT count(*) FROM said")
    own.later(SAY, (2, "two"))
    assert _said(own) == [(1, "one"), (2, "two")]
    assert asked.fetchall() == [(1,)]


def test_whoever_looks_at_an_answer_has_it_run(own: Connection) -> None:
    assert own.later(SAY, (1, "one")).rowcount == 1


@pytest.mark.parametrize("how", ["cursor", "execute", "copy", "transaction", "commit"])
def test_whatever_comes_next_comes_behind_it(own: Connection, how: str) -> None:
    own.later(SAY, (1, "one"))
    if how == "cursor":
        with own.cursor() as cursor:
            found = cursor.execute("SELECT text FROM said").fetchall()
    elif how == "execute":
        found = own.execute("SELECT text FROM said").fetchall()
    elif how == "copy":
        with own.copying("COPY said FROM STDIN", b"2\ttwo\n"):
            pass
        found = [(text,) for _, text in _said(own)[:1]]
    elif how == "transaction":
        with own.transaction():
            found = own.execute("SELECT text FROM said").fetchall()
    else:
        own.commit()
        found = own.execute("SELECT text FROM said").fetchall()
    assert found == [("one",)]


def test_a_transaction_takes_back_all_of_it_and_the_connection_goes_on(own: Connection) -> None:
    with pytest.raises(ZeroDivisionError), own.transaction():  # noqa: PT012
        own.execute(SAY, (1, "one"), prepare=True)
        own.later(SAY, (2, "two"))
        raise ZeroDivisionError
    assert _said(own) == []
    with own.transaction():
        own.later(SAY, (3, "three"))
    assert _said(own) == [(3, "three")]


def test_nothing_behind_what_fails_is_run(own: Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), own.transaction():  # noqa: PT012
        own.later(SAY, (1, "one"))
        own.later(SAY, (1, "again"))
        own.later("SELECT never_was FROM said")
    assert _said(own) == []
    with own.transaction():
        own.later(SAY, (2, "two"))
    assert _said(own) == [(2, "two")]


def test_an_answer_that_was_given_up_says_so(own: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), own.transaction():  # noqa: PT012
        own.later("SELECT 1 / 0")
        given_up = own.later("SELECT 1")
        own.run_waiting()
    with pytest.raises(psycopg.InterfaceError):
        given_up.fetchall()


def test_a_savepoint_takes_back_what_is_in_it_alone(own: Connection) -> None:
    with own.transaction():
        own.later(SAY, (1, "one"))
        with pytest.raises(psycopg.errors.UniqueViolation), own.transaction():  # noqa: PT012
            own.later(SAY, (2, "two"))
            own.later(SAY, (1, "again"))
        own.later(SAY, (3, "three"))
    assert _said(own) == [(1, "one"), (3, "three")]


def test_a_statement_that_could_not_be_prepared_may_come_again(own: Connection) -> None:
    asked = "SELECT count(*) FROM pg_temp.told"
    with pytest.raises(psycopg.errors.UndefinedTable):
        own.execute(asked, prepare=True)
    own.execute("CREATE TEMP TABLE told (id int)")
    assert own.execute(asked, prepare=True).fetchall() == [(0,)]


def test_the_server_does_not_keep_more_and_more_ready(
    own: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lean, "MOST", 5)
    for number in range(20):
        assert own.execute(f"SELECT {number}", prepare=True).fetchone() == (number,)
    assert own.execute("SELECT count(*) FROM pg_prepared_statements").fetchall()[0][0] <= 6


def test_rollbacks_and_drops_leave_what_is_ready(own: Connection) -> None:
    for _ in range(7):  # more often than psycopg runs a statement before it has it ready
        with pytest.raises(ZeroDivisionError), own.transaction():  # noqa: PT012
            own.execute("CREATE TEMP TABLE gone (id int)")
            own.execute("DROP TABLE gone")
            raise ZeroDivisionError
        assert _said(own) == []


def test_much_may_go_either_way_at_once(own: Connection) -> None:
    text = "ä" * 3_000_000
    answers = [own.later("SELECT %s || 'x', repeat(%s, 2)", (text, text)) for _ in range(4)]
    for answer in answers:
        assert answer.fetchall() == [(text + "x", text * 2)]


def test_rows_are_copied_while_something_else_is_done(own: Connection) -> None:
    rows = b"".join(b"%d\tnumber %d\n" % (number, number) for number in range(200_000))
    with own.copying("COPY said FROM STDIN", rows):
        sleep(0.01)
    assert own.execute("SELECT count(*) FROM said").fetchall() == [(200_000,)]


@pytest.mark.parametrize("rows", [b"1\tone\n1\ttwo\n", b"none\tone\n"])
def test_rows_that_can_t_be_copied_raise_and_the_connection_goes_on(
    own: Connection, rows: bytes
) -> None:
    with pytest.raises(psycopg.Error), own.copying("COPY said FROM STDIN", rows):
        pass
    with pytest.raises(psycopg.errors.UndefinedTable), own.copying("COPY nothing FROM STDIN", b""):
        pass
    assert _said(own) == []


def test_whoever_fails_meanwhile_has_copied_nothing(own: Connection) -> None:
    with pytest.raises(ZeroDivisionError), own.copying("COPY said FROM STDIN", b"1\tone\n"):
        raise ZeroDivisionError
    assert _said(own) == []


@pytest.mark.parametrize("how", ["before", "meanwhile"])
def test_a_server_that_goes_away_is_away(own: Connection, database: Database, how: str) -> None:
    server = own.info.backend_pid

    def end() -> None:
        if how == "meanwhile":
            sleep(0.2)
        database.execute("SELECT pg_terminate_backend(%s, 5000)", (server,))

    ending = Thread(target=end)
    ending.start()
    if how == "before":
        ending.join()
    own.later(SAY, (1, "one"))
    with pytest.raises(kit_database.Away):
        own.execute("SELECT pg_sleep(20)", prepare=True)
    assert own.closed
    with pytest.raises(kit_database.Away):
        own.execute("SELECT 1", prepare=True)
    ending.join()


def test_whoever_breaks_off_amidst_the_answers_closes_it(
    own: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(own, "_wait", break_off)
    with pytest.raises(KeyboardInterrupt), own.transaction():
        own.execute("SELECT pg_sleep(0.1)", prepare=True)
    assert own.closed


@pytest.mark.parametrize("when", ["as it begins", "as it ends"])
def test_whoever_breaks_off_amidst_a_copy_closes_it(
    own: Connection, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def break_off(*_: Any) -> None:
        raise KeyboardInterrupt

    if when == "as it begins":
        monkeypatch.setattr(own, "_wait", break_off)
    with pytest.raises(KeyboardInterrupt), own.copying("COPY said FROM STDIN", b"1\tone\n"):
        monkeypatch.setattr(own, "_wait", break_off)
    assert own.closed


def test_on_any_other_connection_it_is_now(database: Database) -> None:
    database.execute("CREATE TEMP TABLE said (id int PRIMARY KEY, text text)")
    asked: tuple[int, UUID] = (1, uuid4())
    assert later(database, "INSERT INTO said VALUES (%s, %s)", asked).rowcount == 1
    for rows in ("2\ttwo\n", ""):
        with copying(database, "COPY said FROM STDIN", rows):
            pass
    assert database.execute("SELECT count(*) FROM said").fetchall() == [(2,)]
    database.execute("DROP TABLE said")
