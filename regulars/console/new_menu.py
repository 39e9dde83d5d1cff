"""The *New* menu of the top bar: what an agent may begin from anywhere.

Each line leads to a dialog that opens over the page (`dialog-link.js`); on somebody's profile it is
about them from the start.
"""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from regulars.console.shell import MenuItem


def items(
    project_id: UUID, person_id: UUID | None = None, *, manages: bool = False
) -> tuple[MenuItem, ...]:
    """The lines of the menu; `person_id` is whose profile is shown. Managers may import.

    Email (E) comes before all of them.
    """
    import_ = MenuItem("Import people", "upload", url=reverse("import_people", args=[project_id]))
    return (
        MenuItem("Email", "mail", url=url_about("new_email", project_id, person_id), key="e"),
        _about(
            "Conversation", "message-circle", "new_conversation", project_id, person_id, key="c"
        ),
        _about("Note", "sticky-note", "new_note", project_id, person_id, key="n"),
        _about("Ticket", "ticket", "new_ticket", project_id, person_id, key="t"),
        _dialog("User", "user-check", "new_user", project_id, after_rule=True),
        _dialog("Lead", "user-plus", "new_lead", project_id),
        *((import_,) if manages else ()),
        MenuItem("Segment", "chart-pie", url=reverse("segments", args=[project_id])),
        _dialog("Campaign", "megaphone", "new_campaign", project_id),
    )


def url_about(name: str, project_id: UUID, person_id: UUID | None) -> str:
    """The dialog of this name, about the person if there is one."""
    about = f"?{urlencode({'person': str(person_id)})}" if person_id else ""
    return reverse(name, args=[project_id]) + about


def _about(
    label: str, icon: str, name: str, project_id: UUID, person_id: UUID | None, *, key: str
) -> MenuItem:
    url = url_about(name, project_id, person_id)
    return MenuItem(label, icon, url=url, key=key, dialog=True)


def _dialog(
    label: str, icon: str, name: str, project_id: UUID, *, after_rule: bool = False
) -> MenuItem:
    url = reverse(name, args=[project_id])
    return MenuItem(label, icon, url=url, dialog=True, after_rule=after_rule)
