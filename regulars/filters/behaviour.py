"""The operators on what people did and reached, each declared once with its sentence.

All rest on one question, asked at most twice: were there at least so many times, in a window.

Public: `EVENT_OPERATORS`, `SEGMENT_OPERATORS`, `CHECKPOINT_OPERATORS`, `CAMPAIGN_OPERATORS`,
`EventOperator`, `MembershipOperator`, `CampaignOperator`, `MAX_COUNT`, `MAX_DAYS`,
`MAX_CHECKPOINT`.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_COUNT = 1_000
MAX_DAYS = 36_500
MAX_CHECKPOINT = 5


@dataclass(frozen=True, slots=True)
class EventOperator:
    """How often an event must have happened: `floor` times the count, up to `ceiling` of it."""

    key: str
    label: str
    sentence: str
    has_floor: bool
    has_ceiling: bool

    def bounds(self, count: int) -> tuple[int, int | None]:
        """The fewest times that will do, and the fewest that are too many (None: no such)."""
        return count if self.has_floor else 0, count + 1 if self.has_ceiling else None


@dataclass(frozen=True, slots=True)
class MembershipOperator:
    """In or out, reached or not; `windowed` asks for a number of days."""

    key: str
    label: str
    sentence: str
    negates: str | None = None
    windowed: bool = False


@dataclass(frozen=True, slots=True)
class CampaignOperator:
    """What became of a campaign's email to the person: an outcome, or its absence."""

    key: str
    label: str
    sentence: str
    outcome: str
    negates: str | None = None


EVENT_OPERATORS = {
    one.key: one
    for one in (
        EventOperator("at_least", "at least", "did {event} at least {times}", True, False),
        EventOperator("at_most", "at most", "did {event} at most {times}", False, True),
        EventOperator("exactly", "exactly", "did {event} exactly {times}", True, True),
    )
}

SEGMENT_OPERATORS = {
    one.key: one
    for one in (
        MembershipOperator("is_in", "is in", "is in segment {name}"),
        MembershipOperator("is_not_in", "is not in", "is not in segment {name}", "is_in"),
    )
}

CHECKPOINT_OPERATORS = {
    one.key: one
    for one in (
        MembershipOperator("reached", "reached", "reached checkpoint {name}"),
        MembershipOperator(
            "not_reached", "not reached", "has not reached checkpoint {name}", "reached"
        ),
        MembershipOperator(
            "reached_within",
            "reached in the past",
            "reached checkpoint {name} in the past {days}",
            windowed=True,
        ),
    )
}


def _outcome(key: str, done: str, not_done: str) -> tuple[CampaignOperator, CampaignOperator]:
    said = key.replace("_", " ")
    return (
        CampaignOperator(key, said, f"{done} campaign {{name}}", key),
        CampaignOperator(
            f"not_{key}", f"not {said}", f"{not_done} campaign {{name}}", key, negates=key
        ),
    )


CAMPAIGN_OPERATORS = {
    one.key: one
    for pair in (
        _outcome("entered", "entered", "has not entered"),
        _outcome("held_out", "was held out of", "was not held out of"),
        _outcome("reached_goal", "reached the goal of", "has not reached the goal of"),
        _outcome("sent", "was sent", "was not sent"),
        _outcome("delivered", "was delivered", "was not delivered"),
        _outcome("opened", "opened", "has not opened"),
        _outcome("clicked", "clicked in", "has not clicked in"),
        _outcome("replied", "replied to", "has not replied to"),
        _outcome("bounced", "bounced on", "has not bounced on"),
        _outcome("unsubscribed", "unsubscribed from", "has not unsubscribed from"),
    )
    for one in pair
}
