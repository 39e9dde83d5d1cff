"""How much more or less it is than before, in a word, as it stands beside a number."""

from __future__ import annotations

from dataclasses import dataclass

from regulars.console.templatetags.console import number

_MANY = 1000  # percent, from which on a percentage says nothing


@dataclass(frozen=True, slots=True)
class Change:
    """A change in a word, and whether it is a rise ("up") or a fall ("down")."""

    text: str
    way: str = ""

    @property
    def css(self) -> str:
        """Its class in a table."""
        return {"up": "lift", "down": "drop"}.get(self.way, "")


def change(now: int, before: int) -> Change:
    """“+11%”, “−2%”, “new” where there was nothing before; no word for nothing and nothing."""
    if not before:
        return Change("new", "up") if now else Change("")
    percent = round(100 * (now - before) / before)
    if percent > _MANY:
        return Change(f"× {number(round(now / before))}", "up")
    if not percent:
        return Change("±0%")
    return Change(f"+{percent}%", "up") if percent > 0 else Change(f"−{-percent}%", "down")


def difference(now: int, before: int) -> Change:
    """“+18”, “−3”, “as many”."""
    if now == before:
        return Change("as many")
    if now > before:
        return Change(f"+{number(now - before)}", "up")
    return Change(f"−{number(before - now)}", "down")
