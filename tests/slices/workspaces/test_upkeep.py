"""What has run out is thrown away, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.core.cache import cache

from regulars.kit import clock
from regulars.workspaces import sign_in
from regulars.workspaces.models import SignInLink
from regulars.workspaces.upkeep import clear_out
from tests.cast import Cast


def test_sessions_and_links_go_when_they_have_run_out(cast: Cast) -> None:
    now = clock.now()
    cast.alice.client.get("/account/")
    key = cast.alice.client.session.session_key
    sign_in.reset_link(cast.bob.email, now=now - timedelta(days=40))
    sign_in.reset_link(cast.alice.email, now=now)
    Session.objects.create(
        session_key=f"old{cast.home.id.hex[:20]}",
        session_data="",
        expire_date=now - timedelta(days=1),
    )
    assert clear_out(now) >= 2
    assert Session.objects.filter(session_key=key).exists()
    assert not Session.objects.filter(expire_date__lt=now).exists()
    assert not SignInLink.objects.filter(agent=cast.bob.agent).exists()
    assert SignInLink.objects.filter(agent=cast.alice.agent).exists()


def test_counters_go_when_they_have_run_out(cast: Cast) -> None:
    brief, lasting = f"brief:{cast.home.id}", f"lasting:{cast.home.id}"
    cache.set(brief, 1, timeout=60)
    cache.set(lasting, 1, timeout=7200)
    clear_out(clock.now() + timedelta(hours=1))
    assert cache.get(brief) is None
    assert cache.get(lasting) == 1
