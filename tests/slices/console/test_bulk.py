"""The bulk bar's calls: what agents may do to whom they selected, and what they are told."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync

from regulars.kit import clock
from regulars.people import bulk, export, store
from regulars.people.person import Person
from regulars.segments import queries as segments
from regulars.workspaces.models import AuditEntry
from tests.cast import Cast, Colleague, cast

__all__ = ["cast"]


def ticked(*people: Person) -> str:
    return json.dumps({"ids": [str(person.id) for person in people]})


def ask(who: Colleague, cast: Cast, action: str, selection: str, **said: Any) -> Any:
    given = {"action": action, "selection": selection, **said}
    if not action:
        del given["action"]
    return who.client.post(cast.home.url("people/bulk/start"), given, HTTP_HX_REQUEST="true")


def page(who: Colleague, cast: Cast) -> str:
    text: str = who.client.get(cast.home.url("people/bulk/jobs")).content.decode()
    return text


async def whole(answer: Any) -> bytes:
    """What a streamed answer sends."""
    return b"".join([piece async for piece in answer])


def job_ids(cast: Cast) -> list[UUID]:
    """The project's jobs, the newest first."""
    rows = cast.connection.execute(
        "SELECT id FROM bulk_job WHERE project_id = %s ORDER BY id DESC", (cast.home.id,)
    )
    return [row[0] for row in rows]


def work(cast: Cast) -> None:
    """The worker does all there is to do."""
    for job_id in job_ids(cast):
        working = bulk.Working(cast.connection)
        while working.work_on(cast.home.id, job_id, clock.now()):
            pass


def now(cast: Cast, person: Person) -> Person | None:
    return store.read(cast.connection, cast.home.id, [person.id]).get(person.id)


def tags(cast: Cast, *people: Person) -> list[list[str]]:
    found = [now(cast, person) for person in people]
    return [person.tags if person else ["gone"] for person in found]


def logged(cast: Cast) -> list[tuple[str, str, UUID | None]]:
    entries = AuditEntry.objects.filter(project_id=cast.home.id, action__startswith="people.")
    return [(one.action, one.subject, one.agent_id) for one in entries.order_by("id")]


def words(response: Any) -> str:
    """What a refusal says, in the toast as in the body."""
    said = response.content.decode()
    assert json.loads(response["HX-Trigger"])["toast"] == {"text": said, "bad": True}
    assert response["HX-Reswap"] == "none"
    return str(said)


@pytest.fixture
def sam(cast: Cast) -> Person:
    return cast.tracked("sam", name="Sam Roe")


def test_an_agent_tags_whom_they_ticked(cast: Cast, sam: Person) -> None:
    answer = ask(cast.bob, cast, "tag", ticked(cast.pat), tag="VIP")
    assert answer.status_code == 200
    assert json.loads(answer["HX-Trigger"]) == {"bulk-started": {"action": "tag"}}
    assert "Tagging 1 person “vip”" in answer.content.decode()
    work(cast)
    assert tags(cast, cast.pat, sam) == [["vip"], []]
    assert "Tagged 1 person “vip”" in page(cast.bob, cast)


def test_everyone_on_a_list_but_whom_they_unticked(cast: Cast, sam: Person) -> None:
    lee = cast.tracked("lee", name="Lee Doe")
    selection = {"list": "kind=user&q=doe", "without": [str(cast.pat.id)]}
    ask(cast.alice, cast, "tag", json.dumps(selection), tag="vip")
    work(cast)
    assert tags(cast, cast.pat, sam, lee) == [[], [], ["vip"]]


def address(**said: str) -> str:
    return json.dumps({"list": urlencode(said)})


def test_everyone_whom_a_filter_finds(cast: Cast, sam: Person) -> None:
    filter_ = json.dumps(
        {"field": "attributes.plan", "op": "is", "value": cast.pat.attributes["plan"]}
    )
    ask(cast.alice, cast, "tag", address(filter=filter_), tag="vip")
    nobody = ask(cast.alice, cast, "tag", address(filter=filter_, q="sam"), tag="none")
    assert words(nobody) == "Nobody is selected any more."
    work(cast)
    assert tags(cast, cast.pat, sam) == [["vip"], []]


def test_everyone_in_a_segment_is_taken_out_of_it(cast: Cast, sam: Person) -> None:
    ask(cast.bob, cast, "segment_add", ticked(cast.pat, sam), new_segment="Panel")
    work(cast)
    (made,) = segments.saved(cast.connection, cast.home.id)
    menu = cast.bob.client.get(cast.home.url(f"people/bulk/segments?segment={made.id}"))
    assert "Remove from Panel" in menu.content.decode()
    ask(cast.bob, cast, "", address(segment=str(made.id)), remove_from=str(made.id))
    work(cast)
    assert segments.segment(cast.connection, cast.home.id, made.id).people == 0


@pytest.mark.parametrize(
    "said",
    [
        {"filter": "{"},
        {"filter": '{"field": "nope", "op": "is", "value": 1}'},
        {"filter": '{"field": "name", "op": "matches", "value": ".*"}'},
        {"segment": "x"},
        {"segment": str(UUID(int=5))},
    ],
)
def test_a_list_that_is_not_understood_is_never_everybody(
    cast: Cast, sam: Person, said: dict[str, str]
) -> None:
    answer = ask(cast.alice, cast, "erase", address(**said), people="1")
    assert answer.status_code in {404, 422}
    assert words(answer)
    assert job_ids(cast) == []


def test_who_comes_after_everyone_was_selected_is_not_meant(cast: Cast, sam: Person) -> None:
    counted = cast.alice.client.get(cast.home.url("people/bulk/count?kind=user")).json()
    assert counted["people"] == 1
    late = cast.tracked("late")
    selection = json.dumps({"list": "kind=user", "at": counted["at"]})
    ask(cast.alice, cast, "tag", selection, tag="vip")
    work(cast)
    assert tags(cast, sam, late) == [["vip"], []]


@pytest.mark.parametrize(
    "selection",
    [
        "", "{}", "[]", "null", '{"ids": "all"}', '{"ids": ["x"]}', '{"ids": []}', "{", "\x00",
        '{"list": "kind=user", "where": "1=1"}', '{"list": 5}', '{"list": "", "at": "tomorrow"}',
    ],
)  # fmt: skip
def test_a_selection_of_nobody_or_nonsense_is_refused_in_words(
    cast: Cast, sam: Person, selection: str
) -> None:
    answer = ask(cast.alice, cast, "untag", selection, tag="vip")
    assert answer.status_code == 422
    assert "elect" in words(answer)
    assert job_ids(cast) == []


def test_more_ticks_than_can_be_are_refused(cast: Cast) -> None:
    many = {"ids": [str(UUID(int=number)) for number in range(5001)]}
    assert "5,000" in words(ask(cast.alice, cast, "tag", json.dumps(many), tag="vip"))


@pytest.mark.parametrize("action", ["", "explode", "segment_add"])
def test_an_action_that_cannot_be_is_refused(cast: Cast, action: str) -> None:
    assert ask(cast.alice, cast, action, ticked(cast.pat)).status_code == 422


def test_people_of_another_project_are_nobody(cast: Cast) -> None:
    answer = cast.charlie.client.post(
        cast.elsewhere.url("people/bulk/start"),
        {"action": "tag", "tag": "evil", "selection": ticked(cast.pat)},
    )
    assert words(answer) == "Nobody is selected any more."
    assert tags(cast, cast.pat) == [[]]


def test_a_name_made_to_harm_is_only_text(cast: Cast) -> None:
    answer = ask(cast.alice, cast, "tag", ticked(cast.pat), tag="<script>alert(1)</script>")
    assert "<script>" not in answer.content.decode()
    assert "&lt;script&gt;" in answer.content.decode()


# Roles


@pytest.mark.parametrize("action", ["export", "erase"])
def test_exporting_and_deleting_takes_a_manager_and_says_so(cast: Cast, action: str) -> None:
    answer = ask(cast.bob, cast, action, ticked(cast.pat), people="1")
    assert answer.status_code == 403
    assert words(answer).startswith("Only owners and admins can")
    assert job_ids(cast) == []


def test_an_admin_may_do_both(cast: Cast) -> None:
    dana = cast.colleague("Dana", cast.home, "admin")
    assert ask(dana, cast, "export", ticked(cast.pat)).status_code == 200
    assert ask(dana, cast, "erase", ticked(cast.pat), people="1").status_code == 200


# Deleting


def test_a_few_are_deleted_once_their_number_was_said(cast: Cast, sam: Person) -> None:
    ask(cast.alice, cast, "erase", ticked(cast.pat), people="1")
    work(cast)
    assert now(cast, cast.pat) is None
    assert now(cast, sam)
    assert logged(cast) == [("people.bulk_erased", "1 person", cast.alice.id)]
    assert "Deleted 1 person" in page(cast.alice, cast)
    assert "Undo" not in page(cast.alice, cast)


@pytest.mark.parametrize("typed", ["", "11", "twelve", "-12", "12.0", "٣"])
def test_many_are_not_deleted_unless_their_number_is_typed(cast: Cast, typed: str) -> None:
    crowd = [cast.tracked(f"u{number}") for number in range(12)]
    answer = ask(cast.alice, cast, "erase", ticked(*crowd), people="12", typed=typed)
    assert words(answer) == "Type 12 to delete 12 people."
    assert job_ids(cast) == []


def test_many_are_deleted_when_it_is(cast: Cast) -> None:
    crowd = [cast.tracked(f"u{number}") for number in range(12)]
    ask(cast.alice, cast, "erase", ticked(*crowd), people="12", typed=" 12 ")
    work(cast)
    assert [now(cast, person) for person in crowd] == [None] * 12


def test_no_more_are_deleted_than_were_said(cast: Cast, sam: Person) -> None:
    answer = ask(cast.alice, cast, "erase", ticked(cast.pat, sam), people="1")
    assert words(answer) == "It is 2 people by now."
    assert ask(cast.alice, cast, "erase", ticked(sam), people="").status_code == 422
    assert now(cast, cast.pat)
    assert now(cast, sam)


# Exporting


def test_an_export_is_downloaded_by_who_asked_for_it(cast: Cast, sam: Person) -> None:
    ask(cast.alice, cast, "export", ticked(cast.pat, sam))
    work(cast)
    (job_id,) = job_ids(cast)
    url = cast.home.url(f"people/bulk/{job_id}/people.csv")
    assert url in page(cast.alice, cast)
    answer = cast.alice.client.get(url)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="people-20')
    text = async_to_sync(whole)(answer).decode("utf-8-sig")
    assert {row["name"] for row in csv.DictReader(io.StringIO(text))} == {"Pat Doe", "Sam Roe"}
    assert logged(cast) == [
        ("people.exported", "2 people", cast.alice.id),
        ("people.export_downloaded", "2 people", cast.alice.id),
    ]


def test_an_export_is_not_for_agents(cast: Cast) -> None:
    ask(cast.alice, cast, "export", ticked(cast.pat))
    work(cast)
    (job_id,) = job_ids(cast)
    url = cast.home.url(f"people/bulk/{job_id}/people.csv")
    assert url not in page(cast.bob, cast)
    assert cast.bob.client.get(url).status_code == 403


def test_an_export_that_is_not_done_or_is_gone_is_not_there(cast: Cast) -> None:
    ask(cast.alice, cast, "export", ticked(cast.pat))
    (job_id,) = job_ids(cast)
    url = cast.home.url(f"people/bulk/{job_id}/people.csv")
    assert cast.alice.client.get(url).status_code == 404
    work(cast)
    export.remove(job_id)
    assert cast.alice.client.get(url).status_code == 404


# Segments


def test_a_new_segment_is_made_and_filled(cast: Cast, sam: Person) -> None:
    ask(cast.bob, cast, "segment_add", ticked(cast.pat, sam), new_segment=" Tasting  panel ")
    assert "Adding 2 people to Tasting panel" in page(cast.bob, cast)
    work(cast)
    (made,) = segments.saved(cast.connection, cast.home.id)
    assert (made.name, made.filter, made.people) == ("Tasting panel", None, 2)


def test_people_are_added_to_a_segment_and_taken_out_of_it(cast: Cast, sam: Person) -> None:
    ask(cast.bob, cast, "segment_add", ticked(cast.pat), new_segment="Panel")
    (made,) = segments.saved(cast.connection, cast.home.id)
    ask(cast.bob, cast, "", ticked(cast.pat, sam), segment=str(made.id))
    work(cast)
    assert segments.segment(cast.connection, cast.home.id, made.id).people == 2
    ask(cast.bob, cast, "", ticked(cast.pat), remove_from=str(made.id))
    work(cast)
    assert segments.segment(cast.connection, cast.home.id, made.id).people == 1


def test_adding_to_a_segment_is_undone(cast: Cast, sam: Person) -> None:
    ask(cast.bob, cast, "segment_add", ticked(cast.pat), new_segment="Panel")
    work(cast)
    (made,) = segments.saved(cast.connection, cast.home.id)
    ask(cast.bob, cast, "", ticked(cast.pat, sam), segment=str(made.id))
    work(cast)
    cast.bob.client.post(cast.home.url(f"people/bulk/{job_ids(cast)[0]}/undo"))
    work(cast)
    assert segments.segment(cast.connection, cast.home.id, made.id).people == 1
    assert "Took 1 person out of Panel" in page(cast.bob, cast)


def test_a_segment_whose_name_is_taken_is_not_made(cast: Cast) -> None:
    ask(cast.bob, cast, "segment_add", ticked(cast.pat), new_segment="Panel")
    answer = ask(cast.bob, cast, "segment_add", ticked(cast.pat), new_segment="panel")
    assert words(answer) == "There is a segment “panel” already."
    assert len(segments.saved(cast.connection, cast.home.id)) == 1
    assert ask(cast.bob, cast, "segment_add", ticked(cast.pat), new_segment=" ").status_code == 422


def test_a_segment_is_not_left_behind_where_its_people_are_refused(cast: Cast) -> None:
    answer = ask(cast.bob, cast, "segment_add", '{"ids": []}', new_segment="Nobody")
    assert answer.status_code == 422
    assert segments.saved(cast.connection, cast.home.id) == []


def test_nobody_is_put_into_a_segment_with_a_rule(cast: Cast) -> None:
    row = cast.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'active'", (cast.home.id,)
    ).fetchone()
    assert row is not None
    answer = ask(cast.bob, cast, "", ticked(cast.pat), segment=str(row[0]))
    assert words(answer) == "The people of this segment follow its rule."


def test_the_menu_lists_the_segments_that_are_picked_by_hand(cast: Cast) -> None:
    ask(cast.bob, cast, "segment_add", ticked(cast.pat), new_segment="Panel <b>")
    text = cast.bob.client.get(cast.home.url("people/bulk/segments")).content.decode()
    assert "Panel &lt;b&gt;" in text
    assert "Active" not in text


def test_the_tags_that_there_are_are_offered(cast: Cast) -> None:
    ask(cast.bob, cast, "tag", ticked(cast.pat), tag="vip")
    work(cast)
    text = cast.bob.client.get(cast.home.url("people/bulk/tags")).content.decode()
    assert '<option value="vip">' in text


# What is shown


def test_the_page_asks_anew_only_while_something_runs(cast: Cast) -> None:
    assert "every 1s" not in page(cast.alice, cast)
    ask(cast.alice, cast, "tag", ticked(cast.pat), tag="vip")
    assert "every 1s" in page(cast.alice, cast)
    assert 'role="status"' in page(cast.alice, cast)
    work(cast)
    assert "every 1s" not in page(cast.alice, cast)


def test_colleagues_see_what_runs_and_whose_it_is(cast: Cast) -> None:
    ask(cast.alice, cast, "tag", ticked(cast.pat), tag="vip")
    assert "by Alice" in page(cast.bob, cast)
    work(cast)
    assert "vip" not in page(cast.bob, cast)
    assert "vip" in page(cast.alice, cast)


def test_a_job_is_stopped_by_any_colleague(cast: Cast) -> None:
    ask(cast.alice, cast, "erase", ticked(cast.pat), people="1")
    url = cast.home.url(f"people/bulk/{job_ids(cast)[0]}/cancel")
    assert cast.bob.client.post(url).status_code == 200
    work(cast)
    assert now(cast, cast.pat)
    assert logged(cast)[-1][0] == "people.bulk_stopped"
    assert words(cast.bob.client.post(url)) == "It was finished already."


def test_a_stopped_export_is_no_file_and_does_not_say_so(cast: Cast) -> None:
    ask(cast.alice, cast, "export", ticked(cast.pat))
    answer = cast.alice.client.post(cast.home.url(f"people/bulk/{job_ids(cast)[0]}/cancel"))
    text = answer.content.decode()
    assert "Exporting 1 person: stopped" in text
    assert "Stopped after 0 of 1" in text
    assert "Download" not in text


def test_of_what_went_well_the_newest_alone_is_shown(cast: Cast) -> None:
    for tag in ("first", "second"):
        ask(cast.alice, cast, "tag", ticked(cast.pat), tag=tag)
        work(cast)
    ask(cast.alice, cast, "export", ticked(cast.pat))
    work(cast)
    text = page(cast.alice, cast)
    assert "first" not in text
    assert "“second”" in text
    assert "Download" in text


def test_undo_takes_it_back_and_says_so(cast: Cast, sam: Person) -> None:
    ask(cast.alice, cast, "tag", ticked(cast.pat), tag="vip")
    work(cast)
    ask(cast.alice, cast, "tag", ticked(cast.pat, sam), tag="vip")
    work(cast)
    assert "The other 1 stay as they were" in page(cast.alice, cast)
    cast.alice.client.post(cast.home.url(f"people/bulk/{job_ids(cast)[0]}/undo"))
    work(cast)
    assert tags(cast, cast.pat, sam) == [["vip"], []]
    assert "Took “vip” off 1 person" in page(cast.alice, cast)


def test_what_has_ended_is_closed(cast: Cast) -> None:
    ask(cast.alice, cast, "tag", ticked(cast.pat), tag="vip")
    work(cast)
    answer = cast.alice.client.post(cast.home.url(f"people/bulk/{job_ids(cast)[0]}/close"))
    assert "vip" not in answer.content.decode()


def test_what_went_wrong_is_said_in_plain_words(cast: Cast) -> None:
    ask(cast.alice, cast, "segment_add", ticked(cast.pat), new_segment="Panel")
    cast.connection.execute(
        "UPDATE segment SET deleted_at = now() WHERE project_id = %s AND name = 'Panel'",
        (cast.home.id,),
    )
    work(cast)
    text = page(cast.alice, cast)
    assert "There is no such segment." in text
    assert "stopped" in text
