"""The list of settings pages that stands beside each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from regulars.console.access import MANAGERS, AgentRequest
from regulars.console.frame import frame, project_url


@dataclass(frozen=True, slots=True)
class SettingsLink:
    """One page of the settings."""

    key: str
    label: str
    icon: str
    url: str


@dataclass(frozen=True, slots=True)
class SettingsGroup:
    """Pages that belong together, under a heading."""

    label: str
    links: tuple[SettingsLink, ...]


# Pages of a project's settings: key, label, icon, and the path below settings/.
_PROJECT = (
    ("Project", (
        ("project", "Project", "building-2"),
        ("tracking", "Tracking", "code-xml"),
    )),
    ("Team", (
        ("team", "Team and roles", "users"),
        ("keys", "Keys", "key-round"),
        ("audit", "Audit log", "scroll-text"),
    )),
)  # fmt: skip


def settings_context(request: AgentRequest, here: str) -> dict[str, Any]:
    """What `console/settings/base.html` needs; `here` is the page's key."""
    return {
        "shell": frame(request, "account" if here == "account" else "settings"),
        "settings_groups": _groups(request),
        "settings_here": here,
    }


def _groups(request: AgentRequest) -> list[SettingsGroup]:
    groups = []
    if request.role.role in MANAGERS:
        for heading, pages in _PROJECT:
            links = tuple(
                SettingsLink(key, label, icon, project_url(request.project.id, f"settings/{key}/"))
                for key, label, icon in pages
            )
            groups.append(SettingsGroup(heading, links))
    own = SettingsLink("account", "Your account", "user", reverse("account"))
    return [*groups, SettingsGroup("You", (own,))]
