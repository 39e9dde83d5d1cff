"""Sending domains: their keys, the records they need, and a rotation without a gap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dkim as checker
import psycopg
import pytest

from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.mail import bounces, compose, dkim, domains, outgoing, records, upkeep
from regulars.mail.domains import Domain, DomainError
from regulars.mail.letters import Letter, Mailbox
from tests.slices.mail.names import Names, answering

Connection = psycopg.Connection[Any]
NOW = clock.now()
NAME = "tideway.example"
HELLO = f"hello@{NAME}"
MAIL = b"From: hello@tideway.example\r\nTo: pat@example.com\r\nSubject: Hi\r\n\r\nHello\r\n"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    with answering() as found:
        monkeypatch.setenv("REGULARS_DNS", found.setting)
        yield found


@pytest.fixture
def domain(database: Connection, project: Any) -> Domain:
    assert domains.ensure(database, project.id, NAME, NOW)
    return _again(database, project)


def _again(database: Connection, project: Any, at: datetime = NOW) -> Domain:
    (found,) = domains.all_of(database, project.id, at)
    return found


def _check(database: Connection, project: Any, at: datetime = NOW) -> Domain:
    domain = _again(database, project, at)
    domains.keep_found(database, project.id, domain, records.look(domain), at)
    return _again(database, project, at)


def _publish(names: Names, domain: Domain) -> None:
    for record in records.records(domain):
        names.say(record.name, record.type, record.value)


def _selectors(database: Connection, project: Any) -> set[str]:
    signer = dkim.signer_of(database, project.id, HELLO)
    assert signer is not None
    return {key.selector for key in signer.keys}


def test_mail_is_signed_with_the_keys_of_its_domain_and_verifies_by_the_dns(
    database: Connection, project: Any, domain: Domain, names: Names
) -> None:
    _publish(names, domain)
    signer = dkim.signer_of(database, project.id, HELLO)
    assert signer is not None
    signed = checker.DKIM(signer.sign(MAIL))
    resolver = records.resolver_of(names.setting)

    def ask(name: bytes, timeout: int = 5) -> bytes:
        (answer,) = resolver.resolve(name.decode(), "TXT")
        return b"".join(answer.strings)

    assert [signed.verify(number, dnsfunc=ask) for number in (0, 1)] == [True, True]


def test_single_mails_are_signed_and_say_where_reports_come_back_to(
    database: Connection, project: Any, domain: Domain
) -> None:
    domains.set_return_path(database, project.id, domain.id, f"back@{NAME}")
    letter = Letter(
        id=new_id(NOW),
        kind="conversation",
        sender=Mailbox(HELLO),
        to=Mailbox("pat@example.com"),
        subject="Hi",
        text="Hello",
    )
    mail = compose.write(project.id, letter, NOW)
    outgoing.queue(database, project.id, mail, NOW)
    sender, raw = database.execute(
        "SELECT sender, raw FROM outgoing_mail WHERE project_id = %s AND id = %s",
        (project.id, letter.id),
    ).fetchone() or ("", b"")
    assert sender == bounces.return_address(f"back@{NAME}", letter.id)
    assert raw.count(b"DKIM-Signature:") == 2
    assert raw.endswith(mail.raw)


def test_private_keys_are_sealed(database: Connection, project: Any, domain: Domain) -> None:
    for (private,) in database.execute(
        "SELECT private FROM dkim_key WHERE project_id = %s", (project.id,)
    ):
        with pytest.raises(ValueError, match=r".*"):
            dkim.read_key(bytes(private))


def test_under_another_secret_there_are_no_keys(
    database: Connection, project: Any, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_SECRET_KEY", "another")
    assert dkim.signer_of(database, project.id, HELLO) is None


def test_a_key_that_was_copied_to_another_project_opens_nothing_there(
    database: Connection, project: Any, domain: Domain
) -> None:
    from regulars.workspaces.actions import create_project

    other = create_project("Elsewhere", now=NOW).project_id
    domains.ensure(database, other, NAME, NOW)
    private = database.execute(
        "SELECT private FROM dkim_key WHERE project_id = %s LIMIT 1", (project.id,)
    ).fetchone()
    assert private
    database.execute("UPDATE dkim_key SET private = %s WHERE project_id = %s", (*private, other))
    assert dkim.signer_of(database, other, HELLO) is None


def test_mail_of_another_domain_is_not_signed(
    database: Connection, project: Any, domain: Domain
) -> None:
    assert dkim.signer_of(database, project.id, "a@evil-tideway.example") is None
    below = dkim.signer_of(database, project.id, "a@news.tideway.example")
    assert below is not None
    assert below.domain == NAME


def test_nothing_is_found_where_nothing_was_added(
    database: Connection, project: Any, domain: Domain, names: Names
) -> None:
    found = _check(database, project)
    assert {one.state for one in found.found.values()} == {"missing"}
    assert not found.is_verified
    assert found.checked_at == NOW


def test_what_was_added_as_it_says_is_found(
    database: Connection, project: Any, domain: Domain, names: Names
) -> None:
    _publish(names, domain)
    found = _check(database, project)
    assert {one.state for one in found.found.values()} == {"good"}
    assert found.is_verified


@pytest.mark.parametrize(
    ("record", "said", "state"),
    [
        ("spf", ["v=spf1 include:_spf.other.example -all"], "good"),
        ("spf", ["v=spf1 +all"], "wrong"),
        ("spf", ["v=spf1 ~all", "v=spf1 -all"], "wrong"),
        ("spf", ["something else"], "missing"),
        ("dmarc", ["v=DMARC1; p=reject; pct=100"], "good"),
        ("dmarc", ["v=DMARC1"], "wrong"),
        ("dkim", ["v=DKIM1; k=rsa; p=MIIBIjAN"], "wrong"),
        ("dkim", ["v=DKIM1; p="], "wrong"),
    ],
)
def test_what_the_dns_says_is_judged(
    domain: Domain, names: Names, record: str, said: list[str], state: str
) -> None:
    wanted = next(one for one in records.records(domain) if one.key.startswith(record))
    names.say(wanted.name, "TXT", *said)
    assert records.look(domain)[wanted.key].state == state


def test_a_policy_above_speaks_for_what_is_below(
    database: Connection, project: Any, names: Names
) -> None:
    domains.ensure(database, project.id, "news.tideway.example", NOW)
    names.say("_dmarc.tideway.example", "TXT", "v=DMARC1; p=reject")
    assert records.look(_again(database, project))["dmarc"].state == "good"


def test_a_dns_that_fails_says_nothing_of_the_records(domain: Domain, names: Names) -> None:
    names.broken = True
    assert {one.state for one in records.look(domain).values()} == {"unknown"}


def test_new_keys_take_over_once_their_records_are_seen(
    database: Connection, project: Any, domain: Domain, names: Names
) -> None:
    _publish(names, domain)
    before = _selectors(database, project)
    later = NOW + timedelta(hours=1)
    domains.rotate(database, project.id, domain.id, later)
    _check(database, project, later)
    assert _selectors(database, project) == before
    _publish(names, _again(database, project, later))
    checked = _check(database, project, later)
    assert not _selectors(database, project) & before
    assert {key.state for key in checked.keys} == {"used", "retired"}
    assert len(checked.live_keys) == 2


def test_domains_are_looked_at_once_a_day(
    database: Connection, project: Any, domain: Domain, names: Names
) -> None:
    while upkeep.look_at_domains(database, threading.Event()):
        pass  # other tests' domains wait as well
    looked = _again(database, project).checked_at
    assert looked is not None
    assert names.asked
    upkeep.look_at_domains(database, threading.Event())
    assert _again(database, project).checked_at == looked


@pytest.mark.parametrize(
    "name", ["", "com", "127.0.0.1", "a b.example", "x@y.example", "-.example"]
)
def test_what_is_no_domain_is_refused(database: Connection, project: Any, name: str) -> None:
    with pytest.raises(DomainError):
        domains.ensure(database, project.id, name, NOW)


def test_a_domain_is_there_once(database: Connection, project: Any, domain: Domain) -> None:
    assert not domains.ensure(database, project.id, "TideWay.example.", NOW)


def test_mail_says_its_own_return_address(
    database: Connection, project: Any, domain: Domain
) -> None:
    assert domains.return_path_of(database, project.id, HELLO, domain.id) is None
    domains.set_return_path(database, project.id, domain.id, "Bounces@in.tideway.example")
    made = domains.return_path_of(database, project.id, HELLO, domain.id)
    assert made is not None
    assert made.startswith("bounces+")
    with pytest.raises(DomainError):
        domains.set_return_path(database, project.id, domain.id, f"{'a' * 40}@x.example")


def test_a_domain_that_was_removed_signs_no_more(
    database: Connection, project: Any, domain: Domain
) -> None:
    assert domains.remove(database, project.id, domain.id)
    assert dkim.signer_of(database, project.id, HELLO) is None
