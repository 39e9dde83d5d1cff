"""How values are shown in the console."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from regulars.console.templatetags import console
from regulars.tracking.enrich import countries

EVENING = datetime(2026, 3, 9, 21, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Amara Okafor", "AO"),
        ("Trần Minh Ngọc", "TN"),
        ("Bono", "BO"),
        ("t.wisniewski@baltyk.example", "TW"),
        ("ßeta", "SS"),
        ("", "?"),
        ("??", "?"),
    ],
)
def test_initials_are_of_the_first_and_the_last_word(name: str, shown: str) -> None:
    assert console.initials(name) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_has_initials_and_a_hue(name: str) -> None:
    assert console.initials(name)
    assert console.hue(name) == console.hue(name)
    assert console.hue(name) in {f"h{n}" for n in range(1, 9)}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4812, "4,812"),
        (0, "0"),
        (1904.5, "1,904.5"),
        (12.0, "12"),
        (Decimal("1904.00"), "1,904.00"),
    ],
)
def test_numbers_have_their_thousands_apart(value: float | Decimal, shown: str) -> None:
    assert console.number(value) == shown


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_no_number_is_a_dash(value: float | None) -> None:
    assert console.number(value) == '<span class="muted">&ndash;</span>'


def test_a_moment_reads_rightly_before_any_script_runs() -> None:
    lisbon_summer = EVENING.astimezone(timezone(timedelta(hours=1)))
    assert console.moment(lisbon_summer) == (
        '<local-time as="moment"><time datetime="2026-03-09T21:05:00Z">9 Mar 2026, 21:05 UTC</time>'
        "</local-time>"
    )
    assert ">9 Mar 2026</time>" in console.day(EVENING)
    assert ">21:05 UTC</time>" in console.clock(EVENING)
    assert console.ago(None) == '<span class="muted">&ndash;</span>'


def test_a_date_belongs_to_no_zone() -> None:
    assert console.plain_date(date(2026, 3, 9)) == "9 Mar 2026"


def test_a_flag_is_shown_for_countries_alone() -> None:
    assert 'flags/se.svg" alt="Sweden"' in console.flag("SE", "Sweden")
    assert console.flag("../x") == console.flag(None) == console.flag("zz") == ""


def test_every_country_that_can_be_found_has_a_flag() -> None:
    assert [code for code in countries.NAMES if not console.flag(code)] == []


class Form(forms.Form):
    """A form of every kind of control that differs."""

    email = forms.EmailField(help_text="Where we write to")
    role = forms.ChoiceField(choices=[("agent", "Agent")])
    stay = forms.BooleanField(required=False)


def test_a_control_has_its_look_and_names_what_explains_it() -> None:
    form = Form({"email": "nobody"})
    html = console.control(form["email"])
    assert 'class="input"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_email_helptext id_email_error"' in html
    assert 'class="select"' in console.control(form["role"])
    assert console.is_check(form["stay"])


def test_an_icon_is_for_the_eyes_alone() -> None:
    html = console.icon("plus", "s")
    assert 'class="icon s" aria-hidden="true"' in html
    assert Path(html.partition('href="')[2].partition("#")[0]).name == "icons.svg"
