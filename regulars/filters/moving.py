"""Generated statements for what moves with the clock: truths, and the next instant of each.

Public: `Written`, `MovingTests`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from regulars.filters.codegen import Constants, Locals
from regulars.filters.times import TICK

_NEVER = datetime.max.replace(tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
# Later instants plus the longest window would leave the calendar.
_LAST = datetime(9800, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Written:
    """A truth as an expression. `next` names the local with the first instant at which time alone
    may change it; None where it cannot.
    """

    truth: str
    next: str | None = None

    def negated(self) -> Written:
        return Written(f"(not {self.truth})", self.next)


class MovingTests:
    """Writes statements, in order; equal tests once."""

    def __init__(self, read: Locals, constants: Constants) -> None:
        self.lines: list[str] = []
        self._read = read
        self._constant = constants
        self._tests: dict[tuple[str, str, timedelta, timedelta | None], Written] = {}
        self._names = 0
        constants.bind("NEVER", _NEVER)
        constants.bind("FIRST", _FIRST)
        constants.bind("LAST", _LAST)
        constants.bind("UTC", UTC)

    def local(self, label: str, expression: str) -> str:
        """A local for an expression over what was written so far."""
        name = self._name(label)
        self.lines.append(f"{name} = {expression}")
        return name

    def within(
        self, known: str, at: str, days: timedelta, soon: timedelta | None = None
    ) -> Written:
        """Whether the instant `at`, if `known`, lies at most `days` back. It does up to and with
        the instant at which they are over.

        With `soon`, here and in `ago`, a next instant that is further off is left out.
        """
        key = (f"within if {known}", at, days, soon)
        if key not in self._tests:
            truth, next_ = self.local("truth", "False"), self.local("next", "NEVER")
            over = self._constant(days + TICK)
            self.lines += [
                f"if {known} and {at} >= {self._back(days)}:",
                f"    {truth} = True",
                f"    if {at} < {self._end(days, soon)}: {next_} = {at} + {over}",
            ]
            self._tests[key] = Written(truth, next_)
        return self._tests[key]

    def ago(self, at: str, days: timedelta, soon: timedelta | None = None) -> Written:
        """Whether the instant `at`, if known, lies at least `days` back. It does from the instant
        at which they are over.
        """
        key = ("ago", at, days, soon)
        if key not in self._tests:
            truth, next_ = self.local("truth", "False"), self.local("next", "NEVER")
            self.lines += [
                f"if {at} is not None:",
                f"    if {at} <= {self._back(days)}: {truth} = True",
                f"    elif {at} < {self._end(days, soon)}: {next_} = {at} + {self._constant(days)}",
            ]
            self._tests[key] = Written(truth, next_)
        return self._tests[key]

    def group(self, still: list[str], moving: list[Written], *, every: bool) -> Written:
        """The truth and next instant of a group: of every part, or of any.

        `every` holds until the first of its parts stops, and fails until the last of its failing
        parts could begin; a failing part that does not move settles it for good. `any` is the
        mirror image.
        """
        if not still and len(moving) == 1:
            return moving[0]
        truth, next_ = self.local("truth", str(not every)), self.local("next", "NEVER")
        lines = _together(truth, next_, moving, every=every)
        if still:
            unsettled = (" and " if every else " or ").join(still)
            self.lines.append(f"if {unsettled}:" if every else f"if not ({unsettled}):")
            lines = [f"    {line}" for line in lines]
        self.lines += lines
        return Written(truth, next_)

    def _end(self, days: timedelta, soon: timedelta | None) -> str:
        """The instants before it turn soon enough to be told, and within the calendar."""
        return "LAST" if soon is None else self._back(days - soon)

    def _back(self, days: timedelta) -> str:
        return self._read.local("back", f"now - {self._constant(days)}")

    def _name(self, label: str) -> str:
        self._names += 1
        return f"{label}{self._names}"


def _together(truth: str, next_: str, moving: list[Written], *, every: bool) -> list[str]:
    """The statements of a group whose parts all move."""
    if len(moving) == 1:
        return [f"{truth} = {moving[0].truth}", f"{next_} = {moving[0].next}"]
    word, odd = (" and ", "not ") if every else (" or ", "")
    return [
        f"{truth} = {word.join(one.truth for one in moving)}",
        f"if {truth}:" if every else f"if not {truth}:",
        *(f"    if {one.next} < {next_}: {next_} = {one.next}" for one in moving),
        "else:",
        f"    {next_} = FIRST",
        *(
            f"    if {odd}{one.truth} and {one.next} > {next_}: {next_} = {one.next}"
            for one in moving
        ),
    ]
