"""The first steps: what a project needs to be of use. Each ticks itself, and the list goes away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.console.access import MANAGERS, AgentRequest
from regulars.console.frame import project_url, public_url
from regulars.workspaces import queries as workspaces

Connection = psycopg.Connection[Any]

_IDENTIFY = """regulars.identify("the user's id", {
  email: "amara@example.com", name: "Amara Okafor"
})"""

# What has happened so far, each by a look at one row.
DONE = """
SELECT
    EXISTS (SELECT FROM kind_count WHERE project_id = %(project)s AND people > 0),
    EXISTS (SELECT FROM kind_count WHERE project_id = %(project)s AND id = 'user' AND people > 0),
    EXISTS (SELECT FROM conversation WHERE project_id = %(project)s),
    EXISTS (SELECT FROM segment
            WHERE project_id = %(project)s AND builtin IS NULL AND deleted_at IS NULL),
    EXISTS (SELECT FROM first_steps_away WHERE project_id = %(project)s AND id = %(agent)s)
"""
PUT_AWAY = """
INSERT INTO first_steps_away (project_id, id, at) VALUES (%s, %s, %s)
ON CONFLICT (project_id, id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One of them. The first that is not done says how."""

    label: str
    done: bool
    text: str = ""
    url: str = ""
    verb: str = ""
    code: str = ""
    code_label: str = ""
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Steps:
    """The list, and which is next."""

    all: tuple[Step, ...]
    next: Step | None

    @property
    def done(self) -> int:
        """How many."""
        return sum(step.done for step in self.all)


def steps_of(core: Connection, request: AgentRequest) -> Steps | None:
    """The list; None where all is done, or the agent has put it away."""
    project_id = request.project.id
    asked = {"project": project_id, "agent": request.user.id}
    row = core.execute(DONE, asked).fetchone()
    if row is None or row[4]:
        return None
    seen, identified, talked, grouped, _ = row
    team = len(workspaces.team_of(project_id)) > 1 or bool(workspaces.invitations_of(project_id))
    manages = request.role.role in MANAGERS
    script = public_url(request, "/t.js")
    key = workspaces.write_key_of(project_id)
    steps = (
        Step("Create a project", done=True),
        Step(
            "See your first visitor", done=seen,
            text="Put this before </head> on every page of your site.",
            code=f'<script async src="{script}"\n        data-key="{key}"></script>',
            code_label="the tag", waits="Waiting for the first visitor…",
        ),
        Step(
            "Tell us who is signed in", done=identified,
            text="Add this where you render the page for a signed-in user.",
            code=_IDENTIFY, code_label="the call", waits="Waiting for the first identify…",
            url=project_url(project_id, "people/import/") if manages else "",
            verb="Or import people from a file",
        ),
        Step(
            "Invite your team", done=team,
            text="Colleagues see the same people and answer from the same inbox.",
            url=project_url(project_id, "settings/team/") if manages else "",
            verb="Invite a colleague",
        ),
        Step(
            "Talk to somebody", done=talked,
            text="The messenger is part of the tag: say hello on your own site to try it.",
            url=project_url(project_id, "settings/messenger/") if manages else "",
            verb="Set up the messenger",
        ),
        Step(
            "Save your first segment", done=grouped,
            text="Filter people by anything you know of them, and keep the filter.",
            url=project_url(project_id, "people/"), verb="Filter people",
        ),
    )  # fmt: skip
    upcoming = next((step for step in steps if not step.done), None)
    return Steps(steps, upcoming) if upcoming else None


def put_away(core: Connection, project_id: UUID, agent_id: UUID, now: datetime) -> None:
    """The agent does not want to see the list any more."""
    core.execute(PUT_AWAY, (project_id, agent_id, now))
