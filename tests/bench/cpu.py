"""What an installation's processes use: CPU by part, and memory of the worker with its writers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from regulars.config.data_folder import DataFolder

A_TICK = 1e6 / os.sysconf("SC_CLK_TCK")  # µs
PAGE = os.sysconf("SC_PAGE_SIZE")


class Parts:
    """The parts of an installation that runs, and of a server beside it, from now on."""

    def __init__(self, data: Path, **beside: int) -> None:
        """`beside` are processes of others, by what they are called."""
        state = DataFolder(data).read()
        assert state is not None
        self._worker = state.processes["worker"][0]
        self._database = state.processes["postgres"][0]
        self._web = frozenset(state.processes["web"])
        self._beside = {pid: name for name, pid in beside.items()}
        self._before = self._spent()

    def memory(self) -> float:
        """Megabytes of the worker and of the processes that write for it."""
        return sum(
            one.pages * PAGE / 1e6 for one in _processes() if self._worker in (one.pid, one.parent)
        )

    def each(self, things: int) -> str:
        """The CPU that each part has used since, in µs for each of so many things."""
        spent = self._spent()
        spent.subtract(self._before)
        said = (f"{part} {ticks * A_TICK / things:,.0f}" for part, ticks in spent.most_common())
        return ", ".join(said)

    def _spent(self) -> Counter[str]:
        """In ticks of the system's clock."""
        spent: Counter[str] = Counter()
        for one in _processes():
            if one.pid == self._worker:
                spent["worker"] += one.ticks
            elif one.parent == self._worker:
                spent["writers"] += one.ticks
            elif one.pid == self._database:
                spent["PostgreSQL"] += one.ticks + one.ended
            elif one.parent == self._database:
                spent["PostgreSQL"] += one.ticks
            elif one.pid in self._web:
                spent["web"] += one.ticks
            elif one.pid in self._beside or one.parent in self._beside:
                spent[self._beside.get(one.pid) or self._beside[one.parent]] += one.ticks
        return spent


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    ticks: int
    ended: int  # ticks of children that have ended
    pages: int


def _processes() -> Iterator[_Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                # Behind the name in brackets: proc(5) counts from 1, and the name is the second.
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                said = [int(stat[place - 3]) for place in (4, 14, 15, 16, 17, 24)]
                yield _Process(
                    int(entry.name), said[0], said[1] + said[2], said[3] + said[4], said[5]
                )
