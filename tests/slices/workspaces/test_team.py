"""Who is in a project: invitations, roles, removal."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection

from regulars.workspaces import queries, team
from regulars.workspaces.audit import OPERATOR
from regulars.workspaces.errors import ForbiddenError, InvalidError, LinkError, UnknownError
from regulars.workspaces.models import Agent, AuditEntry, Invitation, Role
from tests.cast import PASSWORD, Cast

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _invite(cast: Cast, email: str = "", role: str = "agent") -> tuple[Invitation, str]:
    address = email or f"nadia.{uuid4().hex}@example.com"
    invitation = team.invite(cast.home.id, address, role, by=cast.alice.actor, now=NOW)
    return invitation, team.path_of(invitation).removeprefix("/invite/")


def _join(token: str, *, now: datetime = NOW) -> team.Joined:
    return team.join_as_new(token, name="Nadia", password=PASSWORD, ip=None, now=now)


def test_an_invitation_makes_an_agent_with_the_role_it_names(cast: Cast) -> None:
    invitation, token = _invite(cast, role="admin")
    joined = _join(token)
    assert joined.project_id == cast.home.id
    assert joined.agent.email == invitation.email
    assert joined.agent.check_password(PASSWORD)
    assert queries.role_of(cast.home.id, joined.agent.id) == "admin"
    assert queries.invitations_of(cast.home.id) == []


def test_an_invitation_works_once(cast: Cast) -> None:
    _, token = _invite(cast)
    _join(token)
    with pytest.raises(LinkError):
        _join(token)


def test_an_invitation_works_for_seven_days(cast: Cast) -> None:
    _, token = _invite(cast)
    with pytest.raises(LinkError):
        _join(token, now=NOW + timedelta(days=7))
    _join(token, now=NOW + timedelta(days=7, seconds=-1))


def test_a_withdrawn_invitation_is_worthless(cast: Cast) -> None:
    invitation, token = _invite(cast)
    team.withdraw(cast.home.id, invitation.id, by=cast.alice.actor, now=NOW)
    with pytest.raises(LinkError):
        _join(token)
    with pytest.raises(UnknownError):
        team.withdraw(cast.home.id, invitation.id, by=cast.alice.actor, now=NOW)


def test_asking_again_renews_the_same_link(cast: Cast) -> None:
    invitation, token = _invite(cast)
    later = NOW + timedelta(days=20)
    again = team.invite(
        cast.home.id, invitation.email.upper(), "admin", by=cast.alice.actor, now=later
    )
    assert team.path_of(again) == f"/invite/{token}"
    assert len(queries.invitations_of(cast.home.id)) == 1
    joined = _join(token, now=later)
    assert queries.role_of(cast.home.id, joined.agent.id) == "admin"


@pytest.mark.parametrize("change", ["cut", "flip", "swap", "words", "unicode"])
def test_a_link_that_was_tampered_with_is_not_known(cast: Cast, change: str) -> None:
    _, token = _invite(cast)
    tampered = {
        "cut": token[:-4],
        "flip": token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
        "swap": token[20:] + token[:20],
        "words": "not a token",
        "unicode": "é" * 64,
    }[change]
    with pytest.raises(LinkError):
        team.open_invitation(tampered, NOW)


def test_a_link_does_not_open_another_project(cast: Cast) -> None:
    """The ids are signed together: ours with their project's id is no invitation."""
    _, token = _invite(cast)
    raw = base64.urlsafe_b64decode(token)
    forged = base64.urlsafe_b64encode(cast.elsewhere.id.bytes + raw[16:]).decode()
    with pytest.raises(LinkError):
        team.open_invitation(forged, NOW)


def test_an_account_is_never_made_over_one_that_exists(cast: Cast) -> None:
    _, token = _invite(cast, cast.charlie.email)
    with pytest.raises(InvalidError) as refused:
        _join(token)
    assert refused.value.field == "email"
    assert Agent.objects.get(id=cast.charlie.id).name == "Charlie"


def test_only_who_was_asked_joins_with_their_account(cast: Cast) -> None:
    _, token = _invite(cast, cast.charlie.email)
    other = cast.colleague("Other", cast.elsewhere, "agent")
    with pytest.raises(ForbiddenError):
        team.join_as(token, other.agent, ip=None, now=NOW)
    team.join_as(token, cast.charlie.agent, ip=None, now=NOW)
    assert queries.role_of(cast.home.id, cast.charlie.id) == "agent"


def test_who_is_on_the_team_is_not_asked_again(cast: Cast) -> None:
    with pytest.raises(InvalidError, match="already"):
        _invite(cast, cast.bob.email)


def test_a_weak_password_leaves_the_invitation_open(cast: Cast) -> None:
    _, token = _invite(cast)
    with pytest.raises(InvalidError) as refused:
        team.join_as_new(token, name="Nadia", password="short", ip=None, now=NOW)
    assert refused.value.field == "password"
    assert team.open_invitation(token, NOW)


def test_admins_do_not_reach_owners(cast: Cast) -> None:
    admin = cast.colleague("Ada", cast.home, "admin").actor
    home, alice, bob = cast.home.id, cast.alice.id, cast.bob.id
    forbidden: list[Callable[[], object]] = [
        lambda: team.invite(home, "boss@example.com", "owner", by=admin, now=NOW),
        lambda: team.change_role(home, alice, "agent", by=admin, now=NOW),
        lambda: team.change_role(home, bob, "owner", by=admin, now=NOW),
        lambda: team.remove_agent(home, alice, by=admin, now=NOW),
    ]
    for act in forbidden:
        with pytest.raises(ForbiddenError):
            act()
    assert team.change_role(home, bob, "admin", by=admin, now=NOW).role == "admin"


def test_agents_change_nobody(cast: Cast) -> None:
    for act in (
        lambda: team.change_role(cast.home.id, cast.bob.id, "owner", by=cast.bob.actor, now=NOW),
        lambda: team.remove_agent(cast.home.id, cast.alice.id, by=cast.bob.actor, now=NOW),
        lambda: team.invite(cast.home.id, "x@example.com", "agent", by=cast.bob.actor, now=NOW),
    ):
        with pytest.raises(ForbiddenError):
            act()


def test_owners_of_another_project_change_nobody_here(cast: Cast) -> None:
    with pytest.raises(ForbiddenError):
        team.remove_agent(cast.home.id, cast.bob.id, by=cast.charlie.actor, now=NOW)


def test_a_project_keeps_its_last_owner(cast: Cast) -> None:
    by = cast.alice.actor
    with pytest.raises(InvalidError, match="needs an owner"):
        team.remove_agent(cast.home.id, cast.alice.id, by=by, now=NOW)
    with pytest.raises(InvalidError, match="needs an owner"):
        team.change_role(cast.home.id, cast.alice.id, "agent", by=by, now=NOW)
    team.change_role(cast.home.id, cast.bob.id, "owner", by=by, now=NOW)
    team.remove_agent(cast.home.id, cast.alice.id, by=by, now=NOW)
    assert queries.role_of(cast.home.id, cast.alice.id) is None


def test_two_owners_who_remove_each_other_at_once_leave_one(cast: Cast) -> None:
    team.change_role(cast.home.id, cast.bob.id, "owner", by=OPERATOR, now=NOW)
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def remove(agent_id: object, by: object) -> None:
        together.wait()
        try:
            team.remove_agent(cast.home.id, agent_id, by=by, now=NOW)  # type: ignore[arg-type]
            outcomes.append("removed")
        except (InvalidError, ForbiddenError):
            outcomes.append("refused")
        finally:
            connection.close()

    pairs = ((cast.bob.id, cast.alice.actor), (cast.alice.id, cast.bob.actor))
    threads = [threading.Thread(target=remove, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["refused", "removed"]
    assert Role.objects.filter(project_id=cast.home.id, role="owner").count() == 1


def test_what_happens_to_the_team_is_in_the_audit_log(cast: Cast) -> None:
    invitation, token = _invite(cast)
    joined = _join(token)
    team.change_role(cast.home.id, joined.agent.id, "admin", by=cast.alice.actor, now=NOW)
    team.remove_agent(cast.home.id, joined.agent.id, by=cast.alice.actor, now=NOW)
    told = {
        entry.action: (entry.subject, entry.agent_id)
        for entry in AuditEntry.objects.filter(project_id=cast.home.id, at=NOW)
    }
    assert told == {
        "agent.invited": (invitation.email, cast.alice.id),
        "agent.joined": ("Nadia", joined.agent.id),
        "agent.role_changed": ("Nadia", cast.alice.id),
        "agent.removed": ("Nadia", cast.alice.id),
    }
    assert not AuditEntry.objects.filter(project_id=cast.elsewhere.id, at=NOW).exists()
