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


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of a project's settings: `key` is its path below settings/, too."""

    key: str
    label: str
    icon: str
    everybody: bool = False  # plain agents see it as well


_PROJECT = (
    ("Project", (
        _Page("project", "Project", "building-2"),
        _Page("tracking", "Tracking", "code-xml"),
        _Page("identity", "Identity verification", "shield-check"),
        _Page("webhooks", "Webhooks", "send"),
    )),
    ("Email", (
        _Page("email", "Email sending", "mail"),
        _Page("look", "Look of emails", "image"),
        _Page("topics", "Topics", "list"),
    )),
    ("Conversations", (
        _Page("messenger", "Messenger", "message-circle"),
        _Page("inbox", "Inbox and office hours", "inbox"),
        _Page("replies", "Saved replies", "zap", everybody=True),
    )),
    ("Features", (
        _Page("funnel", "User funnels", "chart-no-axes-column-decreasing"),
    )),
    ("Team", (
        _Page("team", "Team and roles", "users"),
        _Page("keys", "Keys", "key-round"),
        _Page("audit", "Audit log", "scroll-text"),
    )),
    ("You", (
        _Page("notifications", "Notifications", "bell", everybody=True),
    )),
)  # fmt: skip


def settings_context(request: AgentRequest, here: str) -> dict[str, Any]:
    """What `console/settings/base.html` needs; `here` is the page's key."""
    return {
        "shell": frame(request, "account" if here == "account" else "settings"),
        "settings_groups": groups(request),
        "settings_here": here,
    }


def groups(request: AgentRequest) -> list[SettingsGroup]:
    """The pages that the agent may see."""
    manages = request.role.role in MANAGERS
    found = []
    for heading, pages in _PROJECT:
        links = tuple(
            SettingsLink(
                page.key,
                page.label,
                page.icon,
                project_url(request.project.id, f"settings/{page.key}/"),
            )
            for page in pages
            if manages or page.everybody
        )
        if heading == "You":
            links = (SettingsLink("account", "Your account", "user", reverse("account")), *links)
        if links:
            found.append(SettingsGroup(heading, links))
    return found
