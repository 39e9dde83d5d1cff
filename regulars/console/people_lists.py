"""Which list of people is looked at, as its address says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http.request import QueryDict

from regulars.filters.ast import Filter
from regulars.filters.errors import FilterError
from regulars.filters.parse import parse_text
from regulars.people.queries import Which
from regulars.workspaces.errors import InvalidError

KINDS = ("user", "lead", "visitor")
EVERYBODY = "everybody"
BUILTIN = ("all", "new", "active", "slipping")
LONGEST = 6_000  # characters of a filter: it stands in every address on the page
CONDITIONS = frozenset({"field", "event", "segment", "checkpoint", "campaign"})


@dataclass(frozen=True, slots=True)
class Listed:
    """Which list is looked at, as its address says.

    `kind` is one of KINDS, or EVERYBODY in a segment or by a filter. `filter` is the contract's
    JSON as text, `segment` an id as text; both may be anything an address can hold.
    """

    kind: str = "user"
    builtin: str = "all"
    sort: str = "-last_seen"
    query: str = ""
    filter: str = ""
    segment: str = ""
    edit: bool = False

    def address(self, **changes: Any) -> str:
        """The query string of this list with changes, without what goes without saying."""
        cursor = changes.pop("cursor", "")
        kept = replace(self, **changes)
        given = {
            "segment": kept.segment,
            "edit": "1" if kept.edit else "",
            "kind": kept.kind if kept.kind != default_kind(kept.segment) else "",
            "list": kept.builtin if kept.builtin != "all" else "",
            "sort": kept.sort if kept.sort != default_sort(kept.kind, kept.builtin) else "",
            "q": kept.query,
            "filter": kept.filter,
            "cursor": cursor,
        }
        return "?" + urlencode({key: value for key, value in given.items() if value})

    def of_other_kinds(self) -> list[Listed]:
        """The same search among people of the other kinds, or on the list of all of them."""
        kinds = [Listed(kind, query=self.query) for kind in KINDS if kind != self.kind]
        widened = [Listed(self.kind, query=self.query)] if self.builtin != "all" else []
        return [*widened, *kinds]

    def rule(self) -> Filter | None:
        """The filter. Raises FilterError."""
        if len(self.filter) > LONGEST:
            raise FilterError(
                f"A filter in an address may have {LONGEST:,} characters: use fewer values, or"
                " save parts of it as segments and filter by these",
                "filter",
            )
        return parse_text(self.filter, kinds=CONDITIONS) if self.filter else None

    def segment_id(self) -> UUID | None:
        """The segment whose people are listed. Raises InvalidError."""
        try:
            return UUID(self.segment) if self.segment else None
        except ValueError:
            raise InvalidError("segment", "There is no such segment.") from None

    def which(self, now: datetime, zone: tzinfo = UTC) -> Which:
        """The list as it is asked for. Raises InvalidError, whose field tells what is wrong.

        While a segment's rule is edited, the people listed are those whom the new rule finds.
        """
        builtin = self.builtin if self.kind == "user" else None
        segment = None if self.edit else self.segment_id()
        kind = None if self.kind == EVERYBODY else self.kind
        try:
            rule = self.rule()
        except FilterError as wrong:
            raise InvalidError(wrong.field, wrong.message) from wrong
        return Which(now, kind, builtin, segment, query=self.query or None, filter=rule, zone=zone)


def default_kind(segment: str) -> str:
    """Of which kind the people on a list are until somebody says otherwise."""
    return EVERYBODY if segment else "user"


def default_sort(kind: str, builtin: str) -> str:
    """What a list is sorted by until somebody says otherwise."""
    return "-signed_up_at" if kind == "user" and builtin == "new" else "-last_seen"


def listed_of(given: QueryDict) -> Listed:
    """The list that an address names; what it does not know is left at its default."""
    segment = given.get("segment", "")
    default = default_kind(segment)
    kind = given.get("kind", default)
    widened = kind == EVERYBODY and (segment or given.get("filter"))
    kind = kind if kind in KINDS or widened else default
    builtin = given.get("list", "all")
    builtin = builtin if kind == "user" and builtin in BUILTIN else "all"
    sort = given.get("sort") or default_sort(kind, builtin)
    query = " ".join(given.get("q", "").split())
    edit = bool(given.get("edit")) and bool(segment)
    return Listed(kind, builtin, sort, query, given.get("filter", ""), segment, edit)
