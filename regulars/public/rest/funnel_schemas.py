"""What REST takes and answers about the user funnel."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StrictStr

from regulars.public.rest.schemas import Filling


class Checkpoint(Schema):
    """A checkpoint of the funnel."""

    id: UUID
    number: int = Field(description="What filters call it. It stays when the order changes.")
    title: str
    description: str
    filter: dict[str, Any]
    counting: Filling | None = Field(
        description="While everybody is looked at for a new condition; else null."
    )
    meeting: int = Field(description="How many people meet the condition in force now.")
    dated_at: datetime | None = Field(
        description="Whoever met the condition before then was dated then, since its past is not "
        "known; null where it is."
    )


class Funnel(Schema):
    """The checkpoints in their order."""

    checkpoints: list[Checkpoint]


class NewCheckpoint(Schema):
    """A checkpoint as it shall be."""

    model_config = ConfigDict(extra="forbid")

    title: StrictStr = Field(description="1 to 60 characters, another than all others have.")
    description: StrictStr = Field("", description="At most 500 characters.")
    filter: dict[str, Any] = Field(
        description="Who has reached it: see the reference of the filter language."
    )
    number: int | None = Field(None, description="Which of the present ones it is; or its place.")


class FunnelChange(Schema):
    """All checkpoints, 2 to 5, in their order."""

    model_config = ConfigDict(extra="forbid")

    checkpoints: list[NewCheckpoint]


class Stage(Schema):
    """How many came as far as a checkpoint."""

    number: int
    title: str
    reached: int = Field(description="People who reached it and all before it, in this order.")
    reached_before: int | None = Field(
        description="The same in the period of equal length just before; null without a period."
    )
    conversion: float | None = Field(description="The share of those at the checkpoint before.")
    conversion_of_all: float = Field(description="The share of those at the first.")
    dropped: int | None = Field(description="Those at the checkpoint before who went no further.")
    median_seconds: float | None = Field(description="Half of them took no longer to get here.")
    p90_seconds: float | None = Field(description="Nine of ten took no longer.")


class Part(Schema):
    """The same of those who have one value of what the funnel is split by."""

    label: str
    value: Any
    reached: list[int]


class FunnelReport(Schema):
    """How people do."""

    model_config = ConfigDict(populate_by_name=True)

    since: datetime | None = Field(alias="from")
    until: datetime | None = Field(alias="to")
    over_users: bool
    sampled: bool = Field(description="The times are those of a sample of the people.")
    checkpoints: list[Stage]
    split: str | None
    parts: list[Part]
