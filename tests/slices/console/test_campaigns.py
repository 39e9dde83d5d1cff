"""The campaign screens: the list, the editor's forms, the dry run, start and results."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from regulars.campaigns import campaigns, campaigns_loop, ready_made
from regulars.console import campaigns_forms, campaigns_texts
from regulars.kit import clock
from regulars.mail.ready_made import READY_MADE
from tests.cast import Cast


@pytest.fixture
def url(cast: Cast) -> str:
    return cast.home.url("campaigns/")


def make(cast: Cast, start: str = "", name: str = "Ours") -> UUID:
    """A draft, made by the form."""
    answer = cast.alice.client.post(cast.home.url("campaigns/"), {"name": name, "from": start})
    assert answer.status_code == 302
    return UUID(answer.headers["Location"].rstrip("/").rpartition("/")[2])


def draft(cast: Cast, one: UUID) -> dict[str, Any]:
    return campaigns.get(cast.connection, cast.home.id, one).draft


def edit(cast: Cast, one: UUID, **said: Any) -> int:
    address = cast.home.url(f"campaigns/{one}/edit")
    return cast.alice.client.post(address, said, headers={"HX-Request": "true"}).status_code


def has_sender(cast: Cast) -> None:
    cast.connection.execute(
        "UPDATE project SET from_email = 'us@example.com', postal_address = 'Street 1'"
        " WHERE id = %s",
        (cast.home.id,),
    )


def test_without_campaigns_the_page_offers_ready_made_ones(cast: Cast, url: str) -> None:
    page = cast.bob.client.get(url).content.decode()
    assert "No campaigns yet" in page
    for one in ready_made.READY:
        assert one.name in page


@pytest.mark.parametrize("key", ["", *ready_made.BY_KEY])
def test_every_ready_made_form_opens_as_a_draft_that_can_be_read(cast: Cast, key: str) -> None:
    one = make(cast, key)
    page = cast.alice.client.get(cast.home.url(f"campaigns/{one}/"))
    assert page.status_code == 200
    for part in ("who", "when", "goal", *(step["id"] for step in draft(cast, one)["steps"])):
        shown = cast.alice.client.get(cast.home.url(f"campaigns/{one}/?part={part}"))
        assert shown.status_code == 200


def test_a_name_that_is_missing_is_asked_for(cast: Cast, url: str) -> None:
    answer = cast.alice.client.post(url, {"name": " ", "from": ""})
    assert answer.status_code == 422
    assert "The name can&#x27;t be empty." in answer.content.decode()


def test_steps_are_added_moved_and_removed(cast: Cast) -> None:
    one = make(cast)
    for kind in campaigns_forms.NEW:
        assert edit(cast, one, do="add", type=kind) == 200
    ids = [step["id"] for step in draft(cast, one)["steps"]]
    assert len(ids) == 1 + len(campaigns_forms.NEW)
    assert edit(cast, one, do="up", part=ids[2]) == 200
    assert edit(cast, one, do="remove", part=ids[0]) == 200
    assert [step["id"] for step in draft(cast, one)["steps"]][:2] == [ids[2], ids[1]]
    branch = next(id_ for id_ in ids if id_.startswith("branch"))
    assert edit(cast, one, do="add", part=branch, side="no", type="email") == 200
    inside = next(step for step in draft(cast, one)["steps"] if step["id"] == branch)
    assert [step["type"] for step in inside["no"]] == ["email"]
    for id_ in ids[1:]:
        assert (
            cast.alice.client.get(cast.home.url(f"campaigns/{one}/?part={id_}")).status_code == 200
        )


def test_what_is_typed_is_kept_as_the_campaign_s_own(cast: Cast) -> None:
    one = make(cast)
    filter_ = {"field": "browser", "op": "is", "value": "Firefox"}
    who = {"part": "who", "whom": "filter", "filter": json.dumps(filter_), "kinds": ["user"]}
    assert edit(cast, one, **who, holdout="10") == 200
    when = {"part": "when", "type": "every", "period": "week", "weekday": "friday"}
    assert edit(cast, one, **when, clock="09:00", time_zone="person", entry="every_time") == 200
    mail = {"part": "email-1"} if "email-1" in str(draft(cast, one)) else {}
    body = "Hello {{ person.first_name }}\n\n[button: Open → https://example.com/x]\n\nBye"
    assert edit(cast, one, **mail, subject_a="Hi", body_a=body, share_a="100") == 200
    kept = draft(cast, one)
    assert kept["audience"] == {"kinds": ["user"], "filter": filter_, "holdout": 10}
    assert kept["trigger"]["weekday"] == "friday"
    content = kept["steps"][0]["variants"][0]["content"]
    assert [block["type"] for block in content["blocks"]] == ["text", "button", "text"]
    assert campaigns_texts.text_of(content) == body


def test_what_can_t_be_kept_is_said_and_changes_nothing(cast: Cast) -> None:
    one = make(cast)
    before = draft(cast, one)
    assert edit(cast, one, part="who", whom="everybody", kinds=["user"], holdout="99") == 422
    assert edit(cast, one, part="nothing") == 422
    assert draft(cast, one) == before


def test_messages_are_compared_and_their_shares_stay_whole(cast: Cast) -> None:
    one = make(cast)
    step = draft(cast, one)["steps"][0]["id"]
    assert edit(cast, one, part=step, change="add", share_a="100") == 200
    shares = [each["share"] for each in draft(cast, one)["steps"][0]["variants"]]
    assert shares == [50, 50]
    said = {"part": step, "share_a": "50", "share_b": "50", "wins": "opened"}
    assert edit(cast, one, **said, trial_share="20", trial_hours="4") == 200
    assert draft(cast, one)["steps"][0]["winner"] == {"by": "opened", "share": 20, "hours": 4}


def test_mistakes_stand_in_the_way_of_a_start(cast: Cast) -> None:
    one = make(cast)
    page = cast.alice.client.get(cast.home.url(f"campaigns/{one}/review")).content.decode()
    assert "Message is empty: choose a template." in page
    cast.alice.client.post(cast.home.url(f"campaigns/{one}/start"))
    assert campaigns.get(cast.connection, cast.home.id, one).state == "draft"


def test_a_dry_run_says_which_way_somebody_would_go_and_why_not(cast: Cast) -> None:
    has_sender(cast)
    one = make(cast, "win-back")
    address = cast.home.url(f"campaigns/{one}/try?person={cast.pat.id}")
    page = cast.alice.client.get(address).content.decode()
    assert "They have reached the goal already." in page
    found = cast.alice.client.get(cast.home.url(f"campaigns/{one}/try?q=Pat")).content.decode()
    assert "Pat Doe" in found


def test_a_campaign_is_started_paused_resumed_stopped_and_tells_its_results(cast: Cast) -> None:
    has_sender(cast)
    pat = cast.pat
    one = make(cast)
    step = draft(cast, one)["steps"][0]["id"]
    body = "Hello\n\n[button: Open → https://example.com/x]"
    edit(cast, one, part=step, subject_a="Hi", body_a=body, share_a="100")
    edit(cast, one, do="add", type="wait")
    client, at = cast.alice.client, cast.home.url(f"campaigns/{one}/")
    assert client.post(f"{at}start").headers["Location"] == f"{at}results"
    while campaigns_loop.step_project(cast.connection, cast.home.id, clock.now()):
        pass
    page = client.get(f"{at}results").content.decode()
    assert "Here now" in page
    assert client.get(f"{at}results/now").status_code == 200
    for action, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        client.post(f"{at}{action}")
        assert campaigns.get(cast.connection, cast.home.id, one).state == state
    sent = cast.connection.execute(
        "SELECT person_id FROM email_recipient WHERE project_id = %s", (cast.home.id,)
    ).fetchall()
    assert sent == [(pat.id,)]
    listed = client.get(cast.home.url("campaigns/")).content.decode()
    assert "Stopped" in listed


def test_limits_for_all_campaigns_are_kept(cast: Cast) -> None:
    address = cast.home.url("campaigns/limits")
    said = {"quiet_from": "21:00", "quiet_to": "08:00", "cap_emails": "2", "cap_days": "7"}
    assert cast.alice.client.post(address, said).status_code == 302
    page = cast.alice.client.get(address).content.decode()
    assert 'value="21:00"' in page
    assert cast.alice.client.post(address, {"cap_emails": "2"}).status_code == 422
    assert cast.bob.client.get(address).status_code == 403


def test_a_segment_or_checkpoint_leads_to_a_campaign_for_its_people(cast: Cast, url: str) -> None:
    slipping = cast.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'slipping'", (cast.home.id,)
    ).fetchone()
    assert slipping is not None
    said = {"name": "Letter", "from": "digest"}
    cast.alice.client.post(url, {**said, "segment": str(slipping[0])})
    cast.alice.client.post(url, {**said, "checkpoint": "2"})
    made = campaigns.all_of(cast.connection, cast.home.id)
    audiences = [one.draft["audience"] for one in made]
    assert {"kinds": ["user", "lead"], "segment": str(slipping[0]), "holdout": 0} in audiences
    assert any(one.get("filter") == {"checkpoint": 2, "op": "reached"} for one in audiences)


WHERE = [{"field": "properties.total", "op": "gt", "value": 50}]


def test_an_event_with_conditions_on_its_properties_lets_people_in(cast: Cast) -> None:
    one = make(cast)
    assert edit(cast, one, part="when", type="event", whole="1", first_event="Signed") == 200
    assert draft(cast, one)["trigger"] == {"type": "event", "event": "Signed"}
    rule = {"event": "Order Completed", "where": WHERE}
    assert edit(cast, one, part="when", type="event", event_rule=json.dumps(rule)) == 200
    assert draft(cast, one)["trigger"] == {"type": "event", **rule}
    at = cast.home.url(f"campaigns/{one}/")
    says = "When Order Completed happens where total is more than 50"
    assert says in cast.alice.client.get(f"{at}?part=when").content.decode()
    dry = cast.alice.client.get(f"{at}try?person={cast.pat.id}").content.decode()
    assert says in dry
    wrong = {"event": "Order Completed", "where": [{"field": "total", "op": "gt", "value": 50}]}
    assert edit(cast, one, part="when", type="event", event_rule=json.dumps(wrong)) == 422
    assert edit(cast, one, part="when", type="event", event_rule="{") == 422


def test_an_awaited_event_has_conditions_too(cast: Cast) -> None:
    one = make(cast)
    edit(cast, one, do="add", type="wait_event")
    step = draft(cast, one)["steps"][-1]["id"]
    rule = json.dumps({"event": "Paid", "where": WHERE})
    assert edit(cast, one, part=step, event_rule=rule, hours="48") == 200
    page = cast.alice.client.get(cast.home.url(f"campaigns/{one}/?part={step}")).content.decode()
    assert "Wait for Paid where total is more than 50, 2 days at most" in page


def message_url(cast: Cast, one: UUID, rest: str = "") -> str:
    step = draft(cast, one)["steps"][0]["id"]
    return cast.home.url(f"campaigns/{one}/message/{step}/a/{rest}")


PICTURE = {
    "format": "blocks", "subject": "Look", "preheader": "", "layout": "letter",
    "blocks": [
        {"type": "heading", "id": "h", "text": "News"},
        {"type": "text", "id": "t", "html": "<p>Hello</p>"},
    ],
}  # fmt: skip


def test_a_message_is_written_in_the_mail_editor_and_kept_in_its_step(cast: Cast) -> None:
    one = make(cast)
    client, at = cast.alice.client, message_url(cast, one)
    page = client.get(at).content.decode()
    version = page.partition('data-version="')[2].partition('"')[0]
    said = {"content": json.dumps(PICTURE), "version": version}
    answer = client.post(f"{at}save", said)
    assert answer.status_code == 200, answer.content
    content = draft(cast, one)["steps"][0]["variants"][0]["content"]
    assert [block["type"] for block in content["blocks"]] == ["heading", "text"]
    late = client.post(f"{at}save", said)
    assert late.status_code == 409
    again = {**said, "version": answer.json()["version"]}
    assert client.post(f"{at}save", again).status_code == 200
    part = draft(cast, one)["steps"][0]["id"]
    editor = client.get(cast.home.url(f"campaigns/{one}/?part={part}")).content.decode()
    assert "Edit the message" in editor
    assert "News" in client.get(f"{at}preview").content.decode()


def test_the_short_form_leaves_a_rich_message_as_it_is(cast: Cast) -> None:
    one = make(cast)
    client, at = cast.alice.client, message_url(cast, one)
    version = client.get(at).content.decode().partition('data-version="')[2].partition('"')[0]
    client.post(f"{at}save", {"content": json.dumps(PICTURE), "version": version})
    step = draft(cast, one)["steps"][0]["id"]
    assert edit(cast, one, part=step, subject_a="Other", preheader_a="More", share_a="100") == 200
    content = draft(cast, one)["steps"][0]["variants"][0]["content"]
    assert (content["subject"], content["preheader"]) == ("Other", "More")
    assert [block["type"] for block in content["blocks"]] == ["heading", "text"]


def test_a_message_begins_with_a_template_and_is_its_own_from_then_on(cast: Cast) -> None:
    one = make(cast)
    key = next(iter(READY_MADE))
    answer = cast.alice.client.post(message_url(cast, one, "begin"), {"from": key})
    assert answer.headers["Location"] == message_url(cast, one)
    variant = draft(cast, one)["steps"][0]["variants"][0]
    assert variant["content"]["subject"] == READY_MADE[key].content.subject
    assert "template" not in variant
    cast.alice.client.post(message_url(cast, one, "begin"), {"from": "nothing"})
    assert draft(cast, one)["steps"][0]["variants"][0] == variant


def test_what_is_no_message_is_refused_and_a_step_that_is_none_is_not_there(cast: Cast) -> None:
    one = make(cast)
    client, at = cast.alice.client, message_url(cast, one)
    assert client.post(f"{at}save", {"content": "{", "version": ""}).status_code == 422
    edit(cast, one, do="add", type="wait")
    for place in ("wait-1/a/", "gone/a/", f"{draft(cast, one)['steps'][0]['id']}/z/"):
        assert client.get(cast.home.url(f"campaigns/{one}/message/{place}")).status_code == 404


def test_every_number_leads_to_its_people(cast: Cast) -> None:
    has_sender(cast)
    pat = cast.pat
    one = make(cast)
    step = draft(cast, one)["steps"][0]["id"]
    edit(cast, one, part=step, subject_a="Hi", body_a="Hello", share_a="100")
    edit(cast, one, do="add", type="wait")
    client, at = cast.alice.client, cast.home.url(f"campaigns/{one}/")
    client.post(f"{at}start")
    while campaigns_loop.step_project(cast.connection, cast.home.id, clock.now()):
        pass
    page = html.unescape(client.get(f"{at}results").content.decode())
    links = re.findall(r'href="([^"]*kind=everybody[^"]*)"', page)
    asked = [json.loads(parse_qs(urlsplit(link).query)["filter"][0]) for link in links]
    whole = {"campaign": str(one)}
    for rule in (
        {**whole, "op": "entered"},
        {**whole, "op": "passed", "step": step},
        {**whole, "op": "under_way", "step": "wait-1"},
        {**whole, "op": "under_way"},
    ):
        link = links[asked.index(rule)]
        listed = client.get(link).content.decode()
        assert f"people/{pat.id}/" in listed
        assert "Everybody" in listed
    said = client.get(links[asked.index({**whole, "op": "under_way", "step": "wait-1"})])
    assert "Is now in “Wait 3 days” of campaign Ours" in _plain(said.content.decode())


def _plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())


def test_the_panel_knows_the_steps_of_campaigns(cast: Cast) -> None:
    one = make(cast)
    catalog = cast.alice.client.get(cast.home.url("filters/catalog")).json()
    (listed,) = catalog["campaigns"]
    assert listed["id"] == str(one)
    assert [step["variants"] for step in listed["steps"]] == [["a"]]
    assert {"op": "passed", "label": "through the step", "of_step": "must", "of_email": True} in (
        catalog["campaign_operators"]
    )
