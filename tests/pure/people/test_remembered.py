"""Columns are remembered by their rows, as far as there is room, and no longer than these stand."""

from __future__ import annotations

from uuid import UUID

from regulars.people.packed.forms import Packed
from regulars.people.packed.remembered import Remembered

ONE, OTHER = UUID(int=1), UUID(int=2)
ROWS = [UUID(int=n) for n in range(10, 15)]


def column(size: int) -> Packed:
    return Packed("words", b"x" * size, b"")


def test_what_was_read_is_known_by_project_and_field() -> None:
    remembered = Remembered(100)
    remembered.add(ONE, "browser", ROWS[0], column(10))
    remembered.add(ONE, "city", ROWS[1], column(10))
    remembered.add(OTHER, "browser", ROWS[2], column(10))
    assert remembered.known(ONE, ["browser", "os"]) == {ROWS[0]: column(10)}
    assert set(remembered.known(ONE, ["browser", "city"])) == {ROWS[0], ROWS[1]}


def test_what_nobody_asked_for_longest_goes_first() -> None:
    remembered = Remembered(25)
    remembered.add(ONE, "browser", ROWS[0], column(10))
    remembered.add(ONE, "city", ROWS[1], column(10))
    remembered.known(ONE, ["browser"])
    remembered.add(ONE, "os", ROWS[2], column(10))
    assert set(remembered.known(ONE, ["browser", "city", "os"])) == {ROWS[0], ROWS[2]}
    remembered.add(ONE, "email", ROWS[3], column(26))
    assert remembered.known(ONE, ["email"]) == {}


def test_rows_that_no_longer_stand_are_forgotten_with_their_room() -> None:
    remembered = Remembered(20)
    remembered.add(ONE, "browser", ROWS[0], column(10))
    remembered.keep_of(ONE, "browser", [ROWS[1]])
    assert remembered.known(ONE, ["browser"]) == {}
    remembered.add(ONE, "browser", ROWS[1], column(20))
    remembered.add(ONE, "browser", ROWS[1], column(20))
    assert set(remembered.known(ONE, ["browser"])) == {ROWS[1]}
