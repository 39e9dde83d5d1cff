"""The operators on what people did and reached, each declared once with its sentence.

All rest on one question, asked at most twice: were there at least so many times, in a window.

Public: `EVENT_OPERATORS`, `SEGMENT_OPERATORS`, `CHECKPOINT_OPERATORS`, `CAMPAIGN_OPERATORS`,
`EventOperator`, `MembershipOperator`, `CampaignOperator`, `OfStep`, `campaign_answer`,
`MAX_COUNT`, `MAX_DAYS`, `MAX_CHECKPOINT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


# Whether a condition on a campaign may name one of its steps, and a message of that.
OfStep = Literal["never", "may", "must"]
# Where the answer is kept: what came of the campaign as a whole, of its emails, where somebody is.
KeptIn = Literal["outcomes", "emails", "entries"]


@dataclass(frozen=True, slots=True)
class CampaignOperator:
    """What became of a campaign with the person: an outcome, or its absence."""

    key: str
    label: str
    sentence: str
    sentence_of_step: str
    outcome: str
    of_step: OfStep
    kept_in: KeptIn
    negates: str | None = None

    @property
    def of_variant(self) -> bool:
        """Whether one of the messages of the step may be named."""
        return self.kept_in == "emails" or self.outcome == "passed"


def campaign_answer(outcome: str, step: str | None = None, variant: str | None = None) -> str:
    """What `Facts.campaigns` calls an outcome: of the whole, of a step, of a step's message."""
    return ":".join(part for part in (outcome, step, variant) if part is not None)


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


def _outcome(
    key: str,
    done: str,
    not_done: str,
    *,
    of_step: OfStep = "never",
    kept_in: KeptIn = "outcomes",
    label: str = "",
) -> tuple[CampaignOperator, CampaignOperator]:
    said = label or key.replace("_", " ")

    def one(op: str, label_: str, words: str, negates: str | None = None) -> CampaignOperator:
        whole, step = f"{words} campaign {{name}}", f"{words} {{step}} of campaign {{name}}"
        return CampaignOperator(op, label_, whole, step, key, of_step, kept_in, negates)

    return one(key, said, done), one(f"not_{key}", f"not {said}", not_done, negates=key)


def _of_email(key: str, done: str, not_done: str) -> tuple[CampaignOperator, CampaignOperator]:
    return _outcome(key, done, not_done, of_step="may", kept_in="emails")


def _of_entry(
    key: str, done: str, not_done: str, label: str = "", of_step: OfStep = "never"
) -> tuple[CampaignOperator, CampaignOperator]:
    return _outcome(key, done, not_done, of_step=of_step, kept_in="entries", label=label)


CAMPAIGN_OPERATORS = {
    one.key: one
    for pair in (
        _outcome("entered", "entered", "has not entered"),
        _outcome("held_out", "was held out of", "was not held out of"),
        _outcome("reached_goal", "reached the goal of", "has not reached the goal of"),
        _of_email("sent", "was sent", "was not sent"),
        _of_email("delivered", "was delivered", "was not delivered"),
        _of_email("opened", "opened", "has not opened"),
        _of_email("clicked", "clicked in", "has not clicked in"),
        _of_email("replied", "replied to", "has not replied to"),
        _of_email("bounced", "bounced on", "has not bounced on"),
        _of_email("unsubscribed", "unsubscribed from", "has not unsubscribed from"),
        _of_entry("under_way", "is now in", "is not now in", "now in", "may"),
        _of_entry("passed", "went through", "has not gone through", "through the step", "must"),
        _of_entry("finished", "went through all of", "has not gone through all of"),
        _of_entry("left_at_goal", "left at the goal of", "has not left at the goal of"),
        _of_entry("left_audience", "left the audience of", "has not left the audience of"),
        _of_entry("missed_deadline", "missed the deadline of", "has not missed the deadline of"),
    )
    for one in pair
}
