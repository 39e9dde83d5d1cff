"""One-time links: the first start's, and those for a new password."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from regulars.workspaces import queries, sign_in, team
from regulars.workspaces.audit import OPERATOR
from regulars.workspaces.errors import ForbiddenError, InvalidError, LinkError, UnknownError
from regulars.workspaces.models import Agent, AuditEntry, Role, SignInLink
from tests.cast import PASSWORD, Cast

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NEW = "quite another long sentence"


def _reset(cast: Cast, **options: bool) -> str:
    path = sign_in.reset_link(cast.bob.email, now=NOW, **options)
    return path.removeprefix("/reset/")


def _use(token: str, *, now: datetime = NOW, password: str = NEW) -> Agent:
    return sign_in.set_password_by_link(token, password=password, ip=None, now=now)


@pytest.fixture
def unclaimed(cast: Cast) -> Iterator[Cast]:
    """As after a first start: Alice's project belongs to an owner who has not signed in yet."""
    Agent.objects.filter(id=cast.alice.id).update(email="", email_folded="", name="")
    yield cast
    Agent.objects.filter(email_folded="").update(email_folded=f"{cast.alice.id}")


def _first() -> sign_in.FirstStart:
    first = sign_in.first_start(NOW)
    assert first is not None
    return first


def _token(first: sign_in.FirstStart) -> str:
    return first.sign_in_path.removeprefix("/first-sign-in/")


def _claim(token: str, email: str) -> Agent:
    return sign_in.sign_in_first(
        token, name="Ines", email=email, password=NEW, ip="192.0.2.9", now=NOW
    )


def test_where_projects_have_owners_there_is_no_first_start(cast: Cast) -> None:
    assert sign_in.first_start(NOW) is None


def test_the_first_owner_signs_in_by_a_link_and_names_themselves(unclaimed: Cast) -> None:
    first = _first()
    assert first.project_id == unclaimed.home.id
    assert first.write_key == unclaimed.home.write_key
    email = f"Ines.{unclaimed.alice.id}@Example.com"
    agent = _claim(_token(first), email)
    assert (agent.id, agent.email, agent.email_folded) == (
        unclaimed.alice.id,
        email,
        email.lower(),
    )
    assert Agent.objects.get(id=agent.id).check_password(NEW)
    assert sign_in.first_start(NOW) is None


def test_each_start_before_that_makes_a_fresh_link_and_voids_the_old(unclaimed: Cast) -> None:
    lost, kept = _first(), _first()
    with pytest.raises(LinkError):
        _claim(_token(lost), "a@example.com")
    _claim(_token(kept), f"{unclaimed.alice.id}@example.com")


def test_a_first_link_works_once(unclaimed: Cast) -> None:
    token = _token(_first())
    _claim(token, f"{unclaimed.alice.id}@example.com")
    with pytest.raises(LinkError):
        _claim(token, "other@example.com")


def test_the_first_owner_can_not_take_another_agents_email(unclaimed: Cast) -> None:
    token = _token(_first())
    with pytest.raises(InvalidError) as refused:
        _claim(token, unclaimed.bob.email.upper())
    assert refused.value.field == "email"
    assert sign_in.open_link(token, "first", NOW)


def test_once_another_owner_is_there_the_first_link_is_not_made_again(unclaimed: Cast) -> None:
    team.change_role(unclaimed.home.id, unclaimed.bob.id, "owner", by=OPERATOR, now=NOW)
    assert sign_in.first_start(NOW) is None


def test_nobody_signs_in_as_the_owner_without_an_email(unclaimed: Cast) -> None:
    assert queries.agent_with("") is None
    with pytest.raises(InvalidError):
        sign_in.reset_link("", now=NOW)


def test_a_reset_link_sets_the_password(cast: Cast) -> None:
    _use(_reset(cast))
    bob = Agent.objects.get(id=cast.bob.id)
    assert bob.check_password(NEW)
    assert not bob.check_password(PASSWORD)


def test_a_reset_link_works_once_for_a_day_and_only_as_one(cast: Cast) -> None:
    token = _reset(cast)
    with pytest.raises(LinkError):
        _use(token, now=NOW + timedelta(hours=24))
    with pytest.raises(LinkError):
        sign_in.open_link(token, SignInLink.Purpose.FIRST, NOW)
    _use(token)
    with pytest.raises(LinkError):
        _use(token)


def test_a_new_reset_link_voids_the_one_before(cast: Cast) -> None:
    old, new = _reset(cast), _reset(cast)
    with pytest.raises(LinkError):
        _use(old)
    _use(new)


def test_a_weak_password_does_not_use_a_link_up(cast: Cast) -> None:
    token = _reset(cast)
    for weak in ("short", "123456789987654321", f"{cast.bob.email}"):
        with pytest.raises(InvalidError):
            _use(token, password=weak)
    _use(token)


def test_a_link_is_not_kept_readable(cast: Cast) -> None:
    token = _reset(cast)
    rows = cast.connection.execute("SELECT sign_in_link::text FROM sign_in_link").fetchall()
    assert not any(token in row[0] for row in rows)


def test_of_two_who_use_a_link_at_once_one_gets_in(cast: Cast) -> None:
    token = _reset(cast)
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def use() -> None:
        together.wait()
        try:
            _use(token)
            outcomes.append("in")
        except LinkError:
            outcomes.append("out")
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["in", "out"]


def test_nobody_of_this_email_gets_no_link(cast: Cast) -> None:
    with pytest.raises(InvalidError) as refused:
        sign_in.reset_link("nobody@nowhere.example", now=NOW)
    assert refused.value.field == "email"


def test_an_owner_makes_a_link_for_a_team_mate(cast: Cast) -> None:
    path = sign_in.reset_link_for(cast.home.id, cast.bob.id, by=cast.alice.actor, now=NOW)
    assert _use(path.removeprefix("/reset/")).id == cast.bob.id
    assert AuditEntry.objects.filter(
        project_id=cast.home.id, action="agent.reset_link_made", agent_id=cast.alice.id
    ).exists()


def test_an_owner_gets_into_no_other_project_by_a_team_mates_link(cast: Cast) -> None:
    """Bob works for Charlie too: a link from Alice would open Charlie's project to her."""
    team.invite(cast.elsewhere.id, cast.bob.email, "owner", by=cast.charlie.actor, now=NOW)
    invitation = queries.invitations_of(cast.elsewhere.id)[0]
    token = team.path_of(invitation).removeprefix("/invite/")
    team.join_as(token, cast.bob.agent, ip=None, now=NOW)
    with pytest.raises(ForbiddenError):
        sign_in.reset_link_for(cast.home.id, cast.bob.id, by=cast.alice.actor, now=NOW)
    assert not SignInLink.objects.filter(agent=cast.bob.agent).exists()


@pytest.mark.parametrize("role", ["admin", "agent"])
def test_only_owners_make_links(cast: Cast, role: str) -> None:
    other = cast.colleague("Other", cast.home, role)
    with pytest.raises(ForbiddenError):
        sign_in.reset_link_for(cast.home.id, cast.bob.id, by=other.actor, now=NOW)


def test_there_is_no_link_for_who_is_not_on_the_team(cast: Cast) -> None:
    with pytest.raises(UnknownError):
        sign_in.reset_link_for(cast.home.id, cast.charlie.id, by=cast.alice.actor, now=NOW)


def test_a_role_is_taken_with_the_project_not_the_account(cast: Cast) -> None:
    team.remove_agent(cast.home.id, cast.bob.id, by=cast.alice.actor, now=NOW)
    assert Agent.objects.filter(id=cast.bob.id).exists()
    assert not Role.objects.filter(agent_id=cast.bob.id).exists()
