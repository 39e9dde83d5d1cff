"""Every way to change a workspace, under one roof: what doors and commands call."""

from regulars.workspaces.projects import (
    CreatedProject,
    MadeKey,
    after_project_created,
    change_project,
    create_agent,
    create_project,
    make_key,
    replace_identity_secret,
    revoke_key,
    rotate_key,
)
from regulars.workspaces.sign_in import (
    FirstStart,
    change_details,
    change_password,
    first_start,
    reset_link,
    reset_link_for,
    set_password_by_link,
    sign_in_first,
)
from regulars.workspaces.team import (
    change_role,
    invite,
    join_as,
    join_as_new,
    remove_agent,
    withdraw,
)

__all__ = [
    "CreatedProject",
    "FirstStart",
    "MadeKey",
    "after_project_created",
    "change_details",
    "change_password",
    "change_project",
    "change_role",
    "create_agent",
    "create_project",
    "first_start",
    "invite",
    "join_as",
    "join_as_new",
    "make_key",
    "remove_agent",
    "replace_identity_secret",
    "reset_link",
    "reset_link_for",
    "revoke_key",
    "rotate_key",
    "set_password_by_link",
    "sign_in_first",
    "withdraw",
]
