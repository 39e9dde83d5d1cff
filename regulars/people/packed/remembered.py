"""Columns that a process has read and may be asked for again.

A column that is stored is never changed, only replaced by another row. So what was read under a
row's id is good for as long as the database still names that id, and need not be sent again.

Public: `Remembered`, `remembered`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from uuid import UUID

from regulars.people.packed.forms import Packed

MOST = 64 * 1024 * 1024  # bytes: who is in packs, of two million people, and what is asked most


class Remembered:
    """What was read last, as far as there is room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._lock = threading.Lock()
        self._columns: OrderedDict[UUID, tuple[tuple[UUID, str], Packed]] = OrderedDict()
        self._of: defaultdict[tuple[UUID, str], set[UUID]] = defaultdict(set)

    def known(self, project_id: UUID, fields: Iterable[str]) -> dict[UUID, Packed]:
        """By their rows' ids, those of the project's columns that are here."""
        with self._lock:
            found = {}
            for field in fields:
                for id_ in self._of.get((project_id, field), ()):
                    self._columns.move_to_end(id_)
                    found[id_] = self._columns[id_][1]
            return found

    def add(self, project_id: UUID, field: str, id_: UUID, column: Packed) -> None:
        """Remember it, and forget what nobody has asked for longest."""
        place = (project_id, field)
        with self._lock:
            if id_ in self._columns or _size(column) > self._most:
                return
            self._columns[id_] = place, column
            self._of[place].add(id_)
            self._bytes += _size(column)
            while self._bytes > self._most:
                self._forget(next(iter(self._columns)))

    def keep_of(self, project_id: UUID, field: str, ids: Iterable[UUID]) -> None:
        """Of this column the database names these rows alone: forget the others."""
        with self._lock:
            for id_ in self._of.get((project_id, field), set()) - set(ids):
                self._forget(id_)

    def _forget(self, id_: UUID) -> None:
        place, column = self._columns.pop(id_)
        self._bytes -= _size(column)
        self._of[place].discard(id_)
        if not self._of[place]:
            del self._of[place]


def _size(column: Packed) -> int:
    return len(column.codes) + len(column.words)


remembered = Remembered(MOST)
