"""Campaigns as REST takes and gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StrictStr

State = Literal["draft", "running", "paused", "stopped", "done"]
JSON = "See the reference of campaigns."


class _Body(Schema):
    model_config = ConfigDict(extra="forbid")


class CampaignChange(_Body):
    """What to change: that which is given. What runs goes on by it once it is started anew."""

    name: StrictStr = Field(default_factory=str, description="1 to 120 characters.")
    audience: dict[str, Any] = Field(default_factory=dict, description=JSON)
    trigger: dict[str, Any] = Field(default_factory=dict, description=JSON)
    entry: dict[str, Any] = Field(default_factory=dict, description=JSON)
    steps: list[dict[str, Any]] = Field(default_factory=list, max_length=100, description=JSON)
    goal: dict[str, Any] | None = Field(None, description=JSON)
    exit: dict[str, Any] = Field(default_factory=dict, description=JSON)
    respect: dict[str, Any] = Field(default_factory=dict, description=JSON)


class NewCampaign(CampaignChange):
    """A name, and as much of the rest as is decided."""

    name: StrictStr = Field(description="1 to 120 characters. Only the team sees it.")


class Problem(Schema):
    """Something that is wrong with a campaign, or may be."""

    where: str = Field(description="`audience`, `trigger`, `steps`, `goal` or `steps.<id>`.")
    message: str
    warning: bool = Field(description="Whether it can be started all the same.")


class Campaign(Schema):
    """A campaign as it was written last."""

    id: UUID
    name: str
    state: State
    audience: dict[str, Any]
    trigger: dict[str, Any]
    entry: dict[str, Any]
    steps: list[dict[str, Any]]
    goal: dict[str, Any] | None
    exit: dict[str, Any]
    respect: dict[str, Any]
    unpublished: bool = Field(description="It runs, and what was changed since does not yet.")
    next_run_at: datetime | None = Field(description="When it gathers people the next time.")
    created_at: datetime
    changed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class CheckedCampaign(Campaign):
    """The same, and what is wrong with it."""

    people: int = Field(description="How many are in the audience now.")
    problems: list[Problem]


class Campaigns(Schema):
    """Some campaigns, those changed last first, and the way to the rest."""

    items: list[Campaign]
    next: str | None


class Share(Schema):
    """A share, or a difference of two, and where it lies by 95 %."""

    value: float
    low: float
    high: float


class Emails(Schema):
    """What became of emails."""

    sent: int
    delivered: int
    opened: int
    clicked: int
    replied: int
    bounced: int
    unsubscribed: int


class VariantResults(Schema):
    """One message of an email step."""

    variant: str
    done: int
    emails: Emails
    goal: int = Field(description="How many had it, and reached the goal then.")


class StepResults(Schema):
    """One step."""

    step: str
    type: str
    done: int = Field(description="How many times it was done, or gone through.")
    waiting: int = Field(description="How many are there now.")
    goal: int = Field(description="How many had its email, and reached the goal then.")
    emails: Emails | None
    variants: list[VariantResults]


class DayResults(Schema):
    """One day, by UTC."""

    day: str
    entered: int
    emails: int
    goal: int


class Results(Schema):
    """What came of a campaign."""

    entered: int
    held_out: int
    under_way: int
    goal: int
    held_out_goal: int
    share: Share | None = Field(description="Who reached the goal, of those who entered.")
    held_out_share: Share | None = Field(description="The same of those who get nothing.")
    difference: Share | None = Field(description="How much larger the first share is.")
    ended: dict[str, int] = Field(description="How many left, by why.")
    emails: Emails
    steps: list[StepResults]
    days: list[DayResults]
