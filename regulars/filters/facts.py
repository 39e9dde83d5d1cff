"""All that filters may know of one person, as the generated function reads it.

Public: `Facts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.filters.folding import TEXT_FIELDS, folded_texts


@dataclass(slots=True, eq=False)
class Facts:
    """One person's facts. Mutable: whoever folds events into a person changes them in place.

    Texts are raw here; comparisons read `folded`, so call `refold` after a change of texts, or
    keep `folded` in step yourself. Instants are aware and in UTC. `tags` are folded. `ip` is the
    address's text. `event_times` has, for each event condition's key (`events.event_key`), the
    times of the newest matching events, newest first, at least count + 1 of them where there are
    as many. `campaigns` has the outcomes of each campaign (`sent`, `opened` …), as
    `behaviour.campaign_answer` calls those of its steps and messages.
    """

    kind: str = "visitor"
    email: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_id: str | None = None
    phone: str | None = None
    gender: str | None = None
    signed_up_at: datetime | None = None
    last_seen: datetime | None = None
    first_seen: datetime | None = None
    last_contacted: datetime | None = None
    last_emailed: datetime | None = None
    sessions: int | None = 0
    city: str | None = None
    region: str | None = None
    country: str | None = None
    browser: str | None = None
    os: str | None = None
    device: str | None = None
    language: str | None = None
    timezone: str | None = None
    ip: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    referrer: str | None = None
    tags: Collection[str] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)
    segments: Collection[object] = ()
    checkpoints: Mapping[int, datetime] = field(default_factory=dict)
    campaigns: Mapping[UUID, Collection[str]] = field(default_factory=dict)
    event_times: Mapping[str, Sequence[datetime]] = field(default_factory=dict)

    def refold(self) -> None:
        """Make `folded` anew from the texts."""
        self.folded = folded_texts(
            {key: getattr(self, key) for key in TEXT_FIELDS}, self.attributes, self.company
        )
