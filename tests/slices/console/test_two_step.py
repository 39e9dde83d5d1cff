"""The second step of signing in: turning it on, using it, losing the phone."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from regulars.kit import clock
from regulars.workspaces import sign_in
from regulars.workspaces.models import AuditEntry
from tests.cast import PASSWORD, Cast, Colleague

_STEP = 30


def _code(secret: str, steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // _STEP + steps)))


def _confirm(who: Colleague) -> None:
    """Show once more that it is you, as guarded pages ask for."""
    response = who.client.post("/account/confirm", {"password": PASSWORD})
    assert response.status_code == 302


def _turn_on(who: Colleague) -> str:
    _confirm(who)
    page = who.client.get("/account/two-step/on")
    secret = str(page.context["form"].secret)
    assert " ".join(secret[at : at + 4] for at in range(0, 32, 4)) in page.content.decode()
    done = who.client.post("/account/two-step/on", {"code": _code(secret, -1)})
    assert done["Location"] == "/account/two-step/codes"
    return secret


def _recovery_codes(who: Colleague) -> list[str]:
    return list(who.client.get("/account/two-step/codes").context["unused_codes"])


def _with_password(who: Colleague, ip: str = "192.0.2.60") -> Client:
    client = Client(REMOTE_ADDR=ip)
    response = client.post("/signin", {"login": who.email, "password": PASSWORD})
    assert response["Location"] == "/signin/code"
    return client


def _send(client: Client, code: str) -> Any:
    return client.post("/signin/code", {"code": code})


def _is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_turning_it_on_asks_for_the_password_first(cast: Cast) -> None:
    asked = cast.alice.client.get("/account/two-step/on")
    assert asked["Location"].startswith("/account/confirm?next=")
    wrong = cast.alice.client.post(asked["Location"], {"password": "wrong"})
    assert "This is not your password." in wrong.content.decode()
    right = cast.alice.client.post(asked["Location"], {"password": PASSWORD})
    assert right["Location"] == "/account/two-step/on"


def test_a_wrong_code_does_not_turn_it_on(cast: Cast) -> None:
    _confirm(cast.alice)
    cast.alice.client.get("/account/two-step/on")
    page = cast.alice.client.post("/account/two-step/on", {"code": "000000"})
    assert "This code is not right." in page.content.decode()
    assert not Authenticator.objects.filter(user=cast.alice.agent).exists()


def test_the_qr_code_is_drawn_without_inline_style(cast: Cast) -> None:
    _confirm(cast.alice)
    page = cast.alice.client.get("/account/two-step/on").content.decode()
    assert '<svg class="qr"' in page
    assert "style=" not in page
    assert "data:image" not in page


def test_then_a_password_alone_opens_nothing(cast: Cast) -> None:
    secret = _turn_on(cast.alice)
    client = _with_password(cast.alice)
    assert not _is_in(client)
    assert client.get("/signin/code").status_code == 200
    assert _send(client, _code(secret)).status_code == 302
    assert _is_in(client)
    assert AuditEntry.objects.filter(
        project_id=cast.home.id, action="agent.two_step_turned_on"
    ).exists()


def test_a_code_is_good_for_one_sign_in(cast: Cast) -> None:
    """Also after its own half minute, in which a later step would still take it."""
    secret = _turn_on(cast.alice)
    code = _code(secret)
    assert _send(_with_password(cast.alice), code).status_code == 302
    cache.delete_many(
        [f"allauth.mfa.totp.used?user={cast.alice.id}&code={code}"]  # as time does after 30 s
    )
    again = _with_password(cast.alice)
    assert "used already" in _send(again, code).content.decode()
    assert not _is_in(again)


def test_a_recovery_code_stands_in_once(cast: Cast) -> None:
    _turn_on(cast.alice)
    codes = _recovery_codes(cast.alice)
    assert len(codes) == 10
    first = _with_password(cast.alice)
    assert _send(first, codes[0]).status_code == 302
    assert _is_in(first)
    second = _with_password(cast.alice)
    assert _send(second, codes[0]).status_code == 200
    assert not _is_in(second)


def test_wrong_codes_count_for_the_lockout(cast: Cast) -> None:
    secret = _turn_on(cast.alice)
    client = _with_password(cast.alice)
    answers = [_send(client, f"{number:06}").status_code for number in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert _send(client, _code(secret)).status_code == 429
    assert not _is_in(client)
    anew = Client(REMOTE_ADDR="192.0.2.60")
    response = anew.post("/signin", {"login": cast.alice.email, "password": PASSWORD})
    assert response.status_code == 429


def test_right_passwords_between_them_do_not_clear_wrong_codes(cast: Cast) -> None:
    _turn_on(cast.alice)
    for number in range(4):
        assert _send(_with_password(cast.alice), f"{number:06}").status_code == 200
    assert _send(_with_password(cast.alice), "999999").status_code == 429


def test_the_second_step_is_not_reached_without_the_first(cast: Cast) -> None:
    _turn_on(cast.alice)
    client = Client()
    assert client.get("/signin/code")["Location"] == "/signin"
    assert _send(client, "123456")["Location"] == "/signin"


def test_turning_it_off_takes_a_post_and_is_logged(cast: Cast) -> None:
    _turn_on(cast.alice)
    assert cast.alice.client.get("/account/two-step/off").status_code == 200
    assert Authenticator.objects.filter(user=cast.alice.agent).exists()
    assert cast.alice.client.post("/account/two-step/off")["Location"] == "/account/"
    assert not Authenticator.objects.filter(user=cast.alice.agent).exists()
    assert AuditEntry.objects.filter(
        project_id=cast.home.id, action="agent.two_step_turned_off"
    ).exists()


def test_new_recovery_codes_replace_the_old(cast: Cast) -> None:
    _turn_on(cast.alice)
    old = _recovery_codes(cast.alice)
    assert cast.alice.client.get("/account/two-step/codes/new").status_code == 200
    assert _recovery_codes(cast.alice) == old
    cast.alice.client.post("/account/two-step/codes/new")
    assert not set(old) & set(_recovery_codes(cast.alice))


@pytest.mark.parametrize("path", ["two-step/off", "two-step/codes"])
def test_what_is_not_on_has_no_page(cast: Cast, path: str) -> None:
    _confirm(cast.alice)
    assert cast.alice.client.get(f"/account/{path}").status_code == 404


def test_a_reset_link_still_asks_for_the_code(cast: Cast) -> None:
    secret = _turn_on(cast.bob)
    client = Client()
    path = sign_in.reset_link(cast.bob.email, now=clock.now())
    done = client.post(path, {"password": "quite another long sentence"})
    assert done["Location"] == "/signin/code"
    assert not _is_in(client)
    assert _send(client, _code(secret)).status_code == 302
    assert _is_in(client)


def test_a_link_for_a_lost_phone_turns_the_step_off(cast: Cast) -> None:
    _turn_on(cast.bob)
    url = cast.home.url(f"settings/team/{cast.bob.id}/reset-link")
    page = cast.alice.client.post(url, {"drops_two_step": "on"})
    path = page.context["given"].url.removeprefix("http://testserver")
    client = Client()
    assert client.post(path, {"password": "quite another long sentence"})["Location"] == "/"
    assert _is_in(client)
    assert not Authenticator.objects.filter(user=cast.bob.agent).exists()
