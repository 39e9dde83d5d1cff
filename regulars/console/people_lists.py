"""Which list of people is looked at, as its address says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.http.request import QueryDict

from regulars.people.queries import Which

KINDS = ("user", "lead", "visitor")
BUILTIN = ("all", "new", "active", "slipping")


@dataclass(frozen=True, slots=True)
class Listed:
    """Which list is looked at, as its address says."""

    kind: str = "user"
    builtin: str = "all"
    sort: str = "-last_seen"
    query: str = ""

    def address(self, **changes: str) -> str:
        """The query string of this list with changes, without what goes without saying."""
        cursor = changes.pop("cursor", "")
        kept = replace(self, **changes)
        given = {
            "kind": kept.kind if kept.kind != "user" else "",
            "list": kept.builtin if kept.builtin != "all" else "",
            "sort": kept.sort if kept.sort != default_sort(kept.kind, kept.builtin) else "",
            "q": kept.query,
            "cursor": cursor,
        }
        return "?" + urlencode({key: value for key, value in given.items() if value})

    def of_other_kinds(self) -> list[Listed]:
        """The same search among people of the other kinds, or on the list of all of them."""
        kinds = [Listed(kind, query=self.query) for kind in KINDS if kind != self.kind]
        widened = [Listed(self.kind, query=self.query)] if self.builtin != "all" else []
        return [*widened, *kinds]

    def which(self, now: datetime) -> Which:
        """The list as it is asked for."""
        builtin = self.builtin if self.kind == "user" else None
        return Which(now, self.kind, builtin, query=self.query or None)


def default_sort(kind: str, builtin: str) -> str:
    """What a list is sorted by until somebody says otherwise."""
    return "-signed_up_at" if kind == "user" and builtin == "new" else "-last_seen"


def listed_of(given: QueryDict) -> Listed:
    """The list that an address names; what it does not know is left at its default."""
    kind = given.get("kind", "user")
    kind = kind if kind in KINDS else "user"
    builtin = given.get("list", "all")
    builtin = builtin if kind == "user" and builtin in BUILTIN else "all"
    sort = given.get("sort") or default_sort(kind, builtin)
    return Listed(kind, builtin, sort, " ".join(given.get("q", "").split()))
