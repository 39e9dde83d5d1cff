"""Conversations and tickets on the profile's timeline."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from regulars.console import profile_history
from regulars.console.feed import boiled_down
from regulars.kit import database
from tests.cast import Cast
from tests.slices.console.test_profile import profile
from tests.slices.inbox.talk import Talk
from tests.slices.tracking.site import NOON, Site


@pytest.fixture
def talk(cast: Cast) -> Talk:
    """Alice's project; Alice answers."""
    return Talk(Site(cast.connection, cast.home.config, cast.home.secret_key), cast.alice.id)


def test_a_day_of_a_conversation_is_one_line_that_leads_to_it(cast: Cast, talk: Talk) -> None:
    id_, _ = talk.start(cast.pat, "How is the <b>Guji</b>?")
    talk.reply(id_, "Among us", private=True)
    talk.reply(id_, "Still there?", now=NOON + timedelta(days=2))
    shown = profile(cast, "timeline?kind=talks")
    assert len(re.findall(rf'href="[^"]*/inbox/{id_}/', shown)) == 2
    assert "How is the &lt;b&gt;Guji&lt;/b&gt;?" in shown
    assert "Alice: Still there?" in shown
    assert shown.index("Still there?") < shown.index("Guji")
    assert shown.count("We wrote to them in <a") == 2
    assert shown.count("1 message<") == 2
    assert "Among us" not in shown
    assert re.search(r'value="talks" checked>Chats <span class="n">1<', shown)
    assert str(id_) not in profile(cast, "timeline?kind=notes")


def test_what_they_wrote_stands_on_their_timeline(talk: Talk, cast: Cast) -> None:
    person = talk.seen("b1")
    one, _ = talk.say("b1", text="Anybody?")
    assert "Wrote to us about <a" in profile(cast, "timeline?kind=talks", of=person)
    talk.reply(one.id, "Here!")
    shown = profile(cast, "timeline?kind=talks", of=person)
    assert "Chatted with us about <a" in shown
    assert "2 messages" in shown


def test_a_ticket_is_told_from_its_opening_to_its_end(talk: Talk, cast: Cast) -> None:
    one = talk.ticket(cast.pat, subject="Torn <i>bag</i>")
    talk.change(one.id, status="pending")
    talk.close(one.id)
    shown = profile(cast, "timeline?kind=tickets")
    assert "<b>#1 Torn &lt;i&gt;bag&lt;/i&gt;</b>" in shown
    told = re.findall(r"· ([a-z ]+ by Alice)<", shown)
    assert told == ["solved by Alice", "made pending by Alice", "opened by Alice"]


def test_many_days_come_part_by_part(cast: Cast, talk: Talk) -> None:
    id_, _ = talk.start(cast.pat, "Day 00")
    for day in range(1, 90):
        talk.reply(id_, f"Day {day:02}", now=NOON + timedelta(days=day))
    found: list[str] = []
    rest = "timeline?kind=talks&kind=tickets"
    while rest:
        shown = profile(cast, rest)
        found += re.findall(r"Day (\d\d)", shown)
        more = re.search(r"timeline\?cursor=[^\"]+", shown)
        rest = more[0].replace("&amp;", "&") if more else ""
    assert found == [f"{day:02}" for day in reversed(range(90))]


def test_a_message_alone_is_news_for_an_open_timeline(cast: Cast, talk: Talk) -> None:
    def newest() -> str:
        with database.transaction() as core:
            return profile_history.newest_of(core, cast.home.id, cast.pat.id)

    before = newest()
    id_, _ = talk.start(cast.pat)
    begun = newest()
    talk.reply(id_)
    assert len({before, begun, newest()}) == 3
    body = {"messages": [[str(id_), str(cast.pat.id), 2, "agent"]]}
    assert boiled_down([(7, "messages", body, NOON)], 6).people == {str(cast.pat.id)}
