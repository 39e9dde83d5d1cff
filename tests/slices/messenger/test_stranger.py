"""What is the victim's stays theirs, whatever a stranger claims, steals a glimpse of or makes up.

The victim is a user who proves who they are, with a conversation and a file in it, a ticket, notes.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import UUID, uuid4

import httpx
import pytest

from regulars.inbox import answering, attachments, notes, tickets
from regulars.inbox.answering import Answer
from regulars.inbox.attachments import Sender
from regulars.inbox.tickets import NewTicket
from regulars.kit import clock
from regulars.kit.storage import storage
from regulars.people import actions
from regulars.public.messenger import tokens
from regulars.tracking.pipeline import claims
from regulars.workspaces import projects
from tests.cast import Cast
from tests.slices.messenger.client import Messenger, signed
from tests.slices.public.served import Served
from tests.slices.tracking.site import Site, identify

SECRET = "Known to Vic alone"
USER, ANON = "victim", "victim-browser"
STATE = """
SELECT c.id, c.last_seq, c.person_seen, c.rating, c.state, c.person_id,
       (SELECT count(*) FROM message m WHERE m.project_id = c.project_id
        AND m.conversation_id = c.id)
FROM conversation c WHERE c.project_id = %s AND c.id = ANY(%s) ORDER BY c.id
"""


class Belongings(NamedTuple):
    chat: UUID
    ticket: UUID
    file: UUID
    file_url: str

    @property
    def threads(self) -> list[UUID]:
        return [self.chat, self.ticket]


@pytest.fixture
def url(served: Served, django_db_blocker: Any) -> Iterator[str]:
    """Where the application answers; streams may end after the test."""
    with django_db_blocker.unblock():
        yield served.url


@pytest.fixture
def theirs(cast: Cast, url: str) -> Belongings:
    """Everything that there is to find."""
    victim = cast.tracked(USER, name="Vic Tim", email="vic@example.com")
    with of_victim(cast, url) as own:
        said = own.say(SECRET)
        chat = UUID(said["conversation"])
        with cast.connection.transaction():
            file = attachments.take(
                cast.connection, cast.home.id, Sender(agent_id=cast.alice.id), "secret.txt",
                SECRET.encode(), clock.now(),
            )  # fmt: skip
            answer = Answer(SECRET, str(uuid4()), files=[file.id])
            answering.reply(cast.connection, cast.home.id, chat, cast.alice.id, answer, clock.now())
            ticket = tickets.open_ticket(
                cast.connection, cast.home.id,
                NewTicket(victim.id, SECRET, SECRET, str(uuid4())), clock.now(), by=cast.alice.id,
            )  # fmt: skip
            for shared in (True, False):
                notes.add(
                    cast.connection, cast.home.id, victim.id, clock.now(), text=SECRET,
                    shared=shared, by=cast.alice.id,
                )  # fmt: skip
        shown = own.thread(str(chat))
    return Belongings(chat, ticket, file.id, shown[-1]["files"][0]["url"])


def of_victim(cast: Cast, url: str, **more: Any) -> Messenger:
    token = signed(cast.home.config.identity_secret, USER)
    return Messenger(url, cast.home.write_key, ANON, **{"user": USER, "token": token, **more})


def jwt(secret: str, alg: str = "HS256", **payload: Any) -> str:
    """What a product's server signs, or somebody who would like to be one."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": alg, "typ": "JWT"}, payload)
    ]
    mac = hmac.digest(secret.encode(), b".".join(parts), sha256)
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


def state(cast: Cast, theirs: Belongings) -> list[Any]:
    return cast.connection.execute(STATE, (cast.home.id, theirs.threads)).fetchall()


def test_the_victim_finds_what_is_theirs(cast: Cast, url: str, theirs: Belongings) -> None:
    """Otherwise nothing below says anything."""
    with of_victim(cast, url) as own:
        assert [one["id"] for one in own.home["conversations"]] == [str(theirs.chat)]
        assert [one["id"] for one in own.home["tickets"]] == [str(theirs.ticket)]
        assert len(own.home["notes"]) == 1
        assert SECRET in json.dumps(own.thread(str(theirs.ticket)))
    assert httpx.get(url + theirs.file_url).text == SECRET


FORGED: dict[str, Callable[[Cast], str]] = {
    "another secret": lambda _: signed("guessed", USER),
    "no secret": lambda _: signed("", USER),
    "the write key": lambda cast: signed(cast.home.write_key, USER),
    "the secret key of the API": lambda cast: signed(cast.home.secret_key, USER),
    "another project's": lambda cast: signed(cast.elsewhere.config.identity_secret, USER),
    "another user's": lambda cast: signed(cast.home.config.identity_secret, "stranger"),
    "cut short": lambda cast: signed(cast.home.config.identity_secret, USER)[:-1],
    "JWT of another secret": lambda _: jwt("guessed", user_id=USER),
    "JWT of another project": lambda cast: jwt(
        cast.elsewhere.config.identity_secret, user_id=USER
    ),
    "JWT of another user": lambda cast: jwt(
        cast.home.config.identity_secret, user_id="stranger", sub=USER
    ),
    "JWT without a name": lambda cast: jwt(cast.home.config.identity_secret, email=USER),
    "JWT of no algorithm": lambda cast: jwt(
        cast.home.config.identity_secret, "none", user_id=USER
    ),
    "JWT without its signature": lambda cast: jwt(
        cast.home.config.identity_secret, user_id=USER
    ).rpartition(".")[0] + ".",
    "JWT that has expired": lambda cast: jwt(
        cast.home.config.identity_secret, user_id=USER,
        exp=clock.now().timestamp() - claims.LEEWAY - 1,
    ),
    "JWT that never says when": lambda cast: jwt(
        cast.home.config.identity_secret, user_id=USER, exp="never"
    ),
    "a session's token": lambda cast: tokens.seal(
        "session", cast.home.id, uuid4(), clock.now() + timedelta(hours=1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED)
def test_a_claim_that_is_not_right_opens_nothing(
    cast: Cast, url: str, theirs: Belongings, forged: str
) -> None:
    with of_victim(cast, url, token=FORGED[forged](cast)) as stranger:
        assert stranger.first["code"] == "bad_claim"
        assert SECRET not in json.dumps(stranger.first)
        assert stranger.is_over()


def test_a_claim_of_before_the_secret_was_replaced_opens_nothing(
    cast: Cast, url: str, theirs: Belongings
) -> None:
    old = signed(cast.home.config.identity_secret, USER)
    projects.replace_identity_secret(cast.home.id, by=cast.alice.actor, now=clock.now())

    def refused() -> bool:
        with of_victim(cast, url, token=old) as stranger:
            return stranger.first.get("code") == "bad_claim"

    deadline = clock.now() + timedelta(seconds=10)
    while not refused():  # processes hear of it a moment later
        assert clock.now() < deadline


def test_a_claim_that_runs_out_ends_what_it_opened(
    cast: Cast, url: str, theirs: Belongings
) -> None:
    token = jwt(cast.home.config.identity_secret, user_id=USER, exp=clock.now().timestamp() + 3600)
    with of_victim(cast, url, token=token) as own:
        assert own.home["you"]["verified"] is True
        with patch.object(claims, "LEEWAY", -7200):  # as if two hours had gone by
            own.send({"t": "ping"})
            assert own.until("refused")["code"] == "bad_claim"
            assert own.is_over()


def let_in(cast: Cast, url: str, who: str) -> Messenger:
    """Somebody who is let in, but is not the victim."""
    site = Site(cast.connection, cast.home.config, cast.home.secret_key)
    site.send(identify(USER, "claims-in-tracking"), at=clock.now())
    if who == "another user":
        own = signed(cast.home.config.identity_secret, "stranger")
        return Messenger(url, cast.home.write_key, "b-1", user="stranger", token=own)
    token = signed(cast.elsewhere.config.identity_secret, USER)
    return Messenger(url, cast.elsewhere.write_key, ANON, user=USER, token=token)


@pytest.mark.parametrize("who", ["another user", "the same ids in another project"])
def test_with_every_id_known_a_stranger_gets_nothing(
    cast: Cast, url: str, theirs: Belongings, who: str
) -> None:
    before = state(cast, theirs)
    with let_in(cast, url, who) as stranger:
        assert stranger.first["t"] == "home"
        seen: list[Any] = [stranger.home]
        for thread in map(str, theirs.threads):
            for frame in (
                {"t": "messages", "conversation": thread, "after": 0},
                {"t": "messages", "conversation": thread, "before": 99},
                {"t": "seen", "conversation": thread, "seq": 1},
                {"t": "say", "id": str(uuid4()), "text": "Me", "conversation": thread},
                {"t": "rate", "id": str(uuid4()), "conversation": thread, "rating": 1},
            ):
                stranger.send(frame)
                refused = stranger.until("refused")
                assert refused["code"] == "not_found", frame
                seen.append(refused)
            stranger.send({"t": "typing", "conversation": thread})
        said = stranger.say("Mine", files=[str(theirs.file)])
        assert said["field"] == "files"
        stranger.send({"t": "ping"})
        seen += [stranger.until("pong"), *stranger.heard]
        assert SECRET not in json.dumps(seen)
        assert str(theirs.chat) not in json.dumps([seen[0], *stranger.heard])
    assert state(cast, theirs) == before


@pytest.mark.parametrize("anon", [ANON, "claims-in-tracking", "never-seen"])
def test_whoever_only_says_that_they_are_the_victim_is_told_nothing(
    cast: Cast, url: str, theirs: Belongings, anon: str
) -> None:
    """A claim was right once: from then on the project's users have to prove themselves."""
    let_in(cast, url, "another user").socket.close()
    with Messenger(url, cast.home.write_key, anon, user=USER) as stranger:
        assert stranger.first["code"] == "bad_claim"
    with Messenger(url, cast.home.write_key, anon) as stranger:
        assert SECRET not in json.dumps(stranger.first)


@pytest.mark.parametrize("kind", ["user", "lead"])
def test_whoever_leaves_the_victims_address_is_told_nothing(
    cast: Cast, url: str, theirs: Belongings, kind: str
) -> None:
    address = "vic@example.com"
    if kind == "lead":
        address = "lead@example.com"
        with Messenger(url, cast.home.write_key, "lead-browser") as lead:
            said = lead.say(SECRET)
            lead.send({"t": "email", "id": "email-0001", "email": address})
            assert lead.answer("email-0001")["t"] == "said"
            assert said["t"] == "said"
    with Messenger(url, cast.home.write_key, f"b-{uuid4()}") as stranger:
        stranger.say("Hello")
        stranger.send({"t": "email", "id": "email-0002", "email": address})
        assert stranger.answer("email-0002")["t"] == "said"
        stranger.send({"t": "hello", "key": cast.home.write_key, "anon": stranger.anon})
        home = stranger.until("home")
        stranger.send({"t": "ping"})
        stranger.until("pong")
        assert SECRET not in json.dumps([home, *stranger.heard])
    with Messenger(url, cast.home.write_key, stranger.anon) as again:
        assert SECRET not in json.dumps(again.home)
        assert len(again.home["conversations"]) == 1


def test_a_file_is_gone_for_everybody_once_the_person_is_erased(
    cast: Cast, url: str, theirs: Belongings
) -> None:
    person = cast.tracked(USER)
    with cast.connection.transaction():
        actions.erase(cast.connection, cast.home.id, person.id, clock.now())
    attachments.forget_unsent(cast.connection, clock.now())
    assert httpx.get(url + theirs.file_url).status_code == 404
    assert cast.alice.client.get(cast.home.url(f"inbox/files/{theirs.file}")).status_code == 404
    assert f"{cast.home.id}/{theirs.file}" not in set(storage().all_keys())


def test_what_a_file_door_is_given_is_never_another_file(
    cast: Cast, url: str, theirs: Belongings
) -> None:
    later = clock.now() + timedelta(hours=1)
    said, _, signature = tokens.seal("file", cast.home.id, uuid4(), later).partition(".")
    ticket = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    ticket["subject"] = str(theirs.file)
    swapped = base64.urlsafe_b64encode(json.dumps(ticket).encode()).decode().rstrip("=")
    ended = tokens.seal("file", cast.home.id, theirs.file, datetime(2026, 1, 1, tzinfo=UTC))
    paths = (
        f"{swapped}.{signature}/secret.txt",
        f"{ended}/secret.txt",
        f"{theirs.file}/secret.txt",
        f"{tokens.seal('file', cast.elsewhere.id, theirs.file, later)}/secret.txt",
        f"../{theirs.file_url.split('/')[3]}/secret.txt",
        f"..%2f{cast.home.id}%2f{theirs.file}/x",
    )
    for path in paths:
        answer = httpx.get(f"{url}/messenger/files/{path}")
        assert answer.status_code == 404, path
        assert SECRET not in answer.text
    for method in ("PUT", "DELETE", "PATCH"):
        assert httpx.request(method, url + theirs.file_url).status_code == 405
    assert httpx.get(url + theirs.file_url).text == SECRET
