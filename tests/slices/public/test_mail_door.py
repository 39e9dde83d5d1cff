"""The doors in people's mail: only POST unsubscribes, links lead where they did, nobody gets in."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.mail import compose, feedback, outgoing, subscriptions, topics
from regulars.mail.feedback import Connection, Feedback, Recipient
from regulars.mail.letters import Letter, Mailbox
from regulars.mail.links import Links

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PAT = "pat@example.com"


class Noting:
    """A ledger that remembers what it was told."""

    def __init__(self) -> None:
        self.recipients: dict[UUID, Recipient] = {}
        self.told: list[Feedback] = []

    def find(self, _: Connection, _project: UUID, recipient_id: UUID) -> Recipient | None:
        return self.recipients.get(recipient_id)

    def record(self, _: Connection, told: Feedback) -> bool:
        self.told.append(told)
        return True

    def wait(self, count: int = 1) -> list[Feedback]:
        deadline = time.monotonic() + 10
        while len(self.told) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.told


class Mail:
    """A mail that Pat got, and their browser."""

    def __init__(self, database: psycopg.Connection[Any], project: Any, url: str) -> None:
        self.database, self.project_id = database, project.id
        self.ledger = Noting()
        self.recipient_id = uuid4()
        self.ledger.recipients[self.recipient_id] = Recipient(PAT, None)
        self.links = Links(project.id, self.recipient_id, url, PAT)
        self.browser = httpx.Client(
            headers={"User-Agent": FIREFOX}, follow_redirects=False, timeout=20
        )

    def left_out(self, topic: UUID | None = None) -> dict[str, str]:
        return dict(
            subscriptions.left_out(
                self.database, self.project_id, [PAT], marketing=True, topic_id=topic
            )
        )

    def topic(self, name: str) -> UUID:
        return topics.create(self.database, self.project_id, name, f"About {name}", clock.now())


@pytest.fixture
def mail(database: psycopg.Connection[Any], project: Any, served: Any) -> Iterator[Mail]:
    found = Mail(database, project, served.url)
    feedback.LEDGERS.append(found.ledger)
    with found.browser:
        yield found
    served.settle()
    feedback.LEDGERS.remove(found.ledger)


def test_following_the_link_only_asks(mail: Mail) -> None:
    for method in ("GET", "HEAD"):
        assert mail.browser.request(method, mail.links.unsubscribe_url).status_code == 200
    assert mail.left_out() == {}
    assert mail.ledger.told == []


def test_one_click_leaves_all_marketing(mail: Mail) -> None:
    answer = mail.browser.post(mail.links.one_click_url, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert mail.left_out() == {PAT: "unsubscribed"}
    assert [told.outcome for told in mail.ledger.told] == ["unsubscribed"]


def test_one_click_with_a_topic_leaves_that_topic(mail: Mail) -> None:
    news, tips = mail.topic("News"), mail.topic("Tips")
    links = Links(mail.project_id, mail.recipient_id, mail.links.base_url, PAT, news)
    body = {"List-Unsubscribe": "One-Click"}
    assert mail.browser.post(links.one_click_url, data=body).status_code == 200
    assert mail.left_out(news) == {PAT: "unsubscribed"}
    assert mail.left_out(tips) == mail.left_out() == {}


def test_a_topic_that_is_not_ours_stands_for_all_of_it(mail: Mail) -> None:
    url = f"{mail.links.one_click_url}?topic={uuid4()}"
    assert mail.browser.post(url).status_code == 200
    assert mail.left_out() == {PAT: "unsubscribed"}


def test_the_mail_of_somebody_who_was_erased_still_unsubscribes(mail: Mail) -> None:
    mail.ledger.recipients.clear()
    assert mail.browser.post(mail.links.one_click_url).status_code == 200
    assert mail.left_out() == {PAT: "unsubscribed"}


def test_a_mistake_can_be_undone(mail: Mail) -> None:
    page = mail.browser.post(mail.links.unsubscribe_url).text
    back = re.search(r'action="([^"]+/back)"', page)
    assert back
    assert mail.browser.post(mail.links.base_url + back[1]).status_code == 200
    assert mail.left_out() == {}


def test_topics_can_be_chosen(mail: Mail) -> None:
    news, tips = mail.topic("News"), mail.topic("Tips <b>")
    page = mail.browser.get(mail.links.preferences_url).text
    assert page.count(" checked") == 3
    assert "Tips &lt;b&gt;" in page
    saved = mail.browser.post(mail.links.preferences_url, data={"topics": [str(tips)]})
    assert saved.text.count(" checked") == 1
    assert mail.left_out(news) == mail.left_out() == {PAT: "unsubscribed"}
    assert mail.left_out(tips) == {}


def test_choosing_nothing_leaves_everything(mail: Mail) -> None:
    mail.topic("News")
    mail.browser.post(mail.links.preferences_url, data={})
    assert mail.left_out(mail.topic("Later")) == {PAT: "unsubscribed"}
    assert [told.outcome for told in mail.ledger.told] == ["unsubscribed"]


@pytest.mark.parametrize("part", ["", "/preferences", "/back"])
def test_a_forged_token_does_nothing_and_is_told_so_kindly(mail: Mail, part: str) -> None:
    url = mail.links.unsubscribe_url
    forged = url[:-1] + ("A" if url[-1] != "A" else "B") + part
    for answer in (mail.browser.get(forged), mail.browser.post(forged, data={"topics": "x"})):
        assert answer.status_code == 404
        assert "This link does not work" in unescape(answer.text)
    assert mail.left_out() == {}


def test_a_token_of_a_project_that_is_gone_is_told_so_kindly(mail: Mail) -> None:
    links = Links(uuid4(), mail.recipient_id, mail.links.base_url, PAT)
    assert mail.browser.post(links.one_click_url).status_code == 404
    assert mail.browser.get(links.preferences_url).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/u/", "/u/x/y/z", "/u/..%2f..%2f", "/u/%00", "/c/", "/c/x", "/c/x/y", "/c/" + "A" * 80],
)
def test_odd_paths_are_told_so_kindly(mail: Mail, path: str) -> None:
    answer = mail.browser.get(mail.links.base_url + path)
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_pages_set_no_cookie_hold_no_script_and_say_nothing_of_the_person(mail: Mail) -> None:
    for answer in (
        mail.browser.get(mail.links.unsubscribe_url),
        mail.browser.get(mail.links.preferences_url),
        mail.browser.post(mail.links.unsubscribe_url),
    ):
        assert "set-cookie" not in answer.headers
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store, private"
        assert "<script" not in answer.text
        assert PAT not in answer.text


@pytest.mark.parametrize(
    ("accepted", "language", "word"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Abbestellen"),
        ("fr", "fr", "Se désabonner"),
        ("es-MX", "es", "Cancelar la suscripción"),
        ("pt-BR", "pt", "Cancelar a subscrição"),
        ("ar", "ar", "إلغاء الاشتراك"),
        ("xx,;;,q=9", "en", "Unsubscribe"),
    ],
)
def test_pages_speak_the_reader_s_language(
    mail: Mail, accepted: str, language: str, word: str
) -> None:
    answer = mail.browser.get(mail.links.unsubscribe_url, headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in answer.text
    assert word in answer.text


@pytest.mark.parametrize("colour", ["", "ff0000", "</style>", "x" * 9_000])
def test_the_look_of_pages_holds_no_more_than_a_colour(mail: Mail, colour: str) -> None:
    for name, kind in (("style.css", "text/css; charset=utf-8"), ("icon.svg", "image/svg+xml")):
        answer = mail.browser.get(f"{mail.links.base_url}/u/{name}", params={"c": colour})
        assert answer.headers["content-type"] == kind
        assert "</style>" not in answer.text
        assert ("#ff0000" if colour == "ff0000" else "#1f6f54") in answer.text


def test_a_click_leads_on_and_is_recorded(mail: Mail) -> None:
    url = "https://tideway.example/beans?a=1&b=é"
    answer = mail.browser.get(mail.links.click_url(url))
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://tideway.example/beans?a=1&b=%C3%A9"
    (told,) = mail.ledger.wait()
    assert (told.outcome, told.machine, told.detail["url"]) == ("clicked", False, url)


def test_a_link_cannot_be_turned_elsewhere(mail: Mail) -> None:
    good, evil = (mail.links.click_url(f"https://{host}.example/") for host in ("good", "evil"))
    turned = f"{good.rsplit('/', 1)[0]}/{evil.rsplit('/', 1)[1]}"
    answer = mail.browser.get(turned)
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_an_opening_is_recorded_by_the_pixel(mail: Mail) -> None:
    answer = mail.browser.get(mail.links.open_url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    (told,) = mail.ledger.wait()
    assert (told.outcome, told.machine) == ("opened", False)


def test_a_forged_pixel_is_a_picture_all_the_same(mail: Mail) -> None:
    answer = mail.browser.get(f"{mail.links.base_url}/o/{'A' * 80}.gif")
    assert (answer.status_code, answer.content[:3]) == (200, b"GIF")
    assert mail.ledger.told == []


def test_machines_are_recorded_as_such(mail: Mail) -> None:
    mail.browser.get(mail.links.open_url, headers={"User-Agent": "Mozilla/5.0"})
    mail.browser.head(mail.links.click_url("https://tideway.example/"))
    assert {(told.outcome, told.machine) for told in mail.ledger.wait(2)} == {
        ("opened", True),
        ("clicked", True),
    }


def test_who_follows_all_links_at_once_is_a_scanner(mail: Mail) -> None:
    for number in range(3):
        mail.browser.get(mail.links.click_url(f"https://tideway.example/{number}"))
    assert [told.machine for told in mail.ledger.wait(3)] == [True, True, True]


def test_single_mails_know_whom_they_were_for(
    mail: Mail, database: psycopg.Connection[Any]
) -> None:
    letter = Letter(
        id=new_id(clock.now()),
        kind="conversation",
        sender=Mailbox("help@tideway.example"),
        to=Mailbox(PAT),
        subject="Beans",
        text="Hi",
    )
    written = compose.write(mail.project_id, letter, clock.now())
    outgoing.queue(database, mail.project_id, written, clock.now())
    found = feedback.find(database, mail.project_id, letter.id)
    assert found is not None
    assert found.address == PAT
