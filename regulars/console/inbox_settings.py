"""Settings → Inbox and office hours: when somebody is there, who answers, what goes by email."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render

from regulars.console.access import MANAGERS, AgentRequest, agent_view
from regulars.console.forms import attempt
from regulars.console.frame import public_url
from regulars.console.messenger_settings import save
from regulars.console.settings_nav import settings_context
from regulars.inbox import hook, hours, settings
from regulars.inbox.hours import DAYS, Hours
from regulars.inbox.settings import MessengerSettings
from regulars.kit import clock, database

EMAIL_AFTER = (1, 5, 10, 15, 30, 60)
TARGETS = (5, 15, 30, 60, 120, 240, 480, 1440)
# What stands there to begin with when hours are first set.
USUAL = tuple({"day": day, "from": "09:00", "to": "17:00"} for day in range(5))

_MINUTES_A_DAY, _MINUTES_AN_HOUR = 1440, 60
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Day:
    """A weekday in the form: its intervals as (from, to), the end of the day as 00:00."""

    number: int
    name: str
    intervals: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Now:
    """Whether it is open by the hours that are saved, and when it next is."""

    is_open: bool
    opens: datetime | None


def minutes_words(minutes: int) -> str:
    """“5 minutes”, “2 hours”, “a day”."""
    if minutes % _MINUTES_A_DAY == 0:
        days = minutes // _MINUTES_A_DAY
        return "a day" if days == 1 else f"{days} days"
    if minutes % _MINUTES_AN_HOUR == 0:
        whole = minutes // _MINUTES_AN_HOUR
        return "an hour" if whole == 1 else f"{whole} hours"
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def minutes_field(
    label: str, usual: Sequence[int], kept: int | None, *, none: str, before: str = "", **more: Any
) -> forms.TypedChoiceField:
    """A choice of so many minutes or none; what is kept can be chosen, too."""
    offered = sorted({*usual, *([kept] if kept else [])})
    return forms.TypedChoiceField(
        label=label,
        choices=[(_NONE, none), *((str(each), before + minutes_words(each)) for each in offered)],
        coerce=lambda chosen: None if chosen == _NONE else int(chosen),
        initial=kept or _NONE,
        **more,
    )


class InboxForm(forms.Form):
    away_message = forms.CharField(
        label="What people read while nobody is there",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    assignment = forms.ChoiceField(choices=[("manual", "Manual"), ("round_robin", "In turn")])
    inbound_address = forms.CharField(
        label="Answers go to",
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "reply@example.com"}),
        help_text="The reply-to address of those emails.",
    )

    def __init__(self, data: QueryDict | None, kept: MessengerSettings) -> None:
        names = ("away_message", "assignment", "inbound_address")
        super().__init__(data, initial={name: getattr(kept, name) for name in names})
        self.fields["email_after_minutes"] = minutes_field(
            "Send replies on by email",
            EMAIL_AFTER,
            kept.email_after_minutes,
            none="Never",
            before="After ",
            help_text="To people who are not on your pages any more and have an address.",
        )
        self.fields["first_reply_target_minutes"] = minutes_field(
            "First reply within",
            TARGETS,
            kept.first_reply_target_minutes,
            none="No target",
            help_text="Whoever waits longer is marked in the inbox.",
        )
        self.hours = read_hours(data) if data is not None else hours.to_json(kept.office_hours)

    def clean(self) -> dict[str, Any]:
        return {**self.cleaned_data, "office_hours": self.hours}


@agent_view(MANAGERS)
def inbox_settings(request: AgentRequest) -> HttpResponseBase:
    """The page; posted to, it saves."""
    with database.of_django() as core:
        kept = settings.load(core, request.project.id)
    form = InboxForm(request.POST or None, kept)
    if attempt(form, lambda given: save(request, given)) is not None:
        messages.success(request, "Saved. It applies from now on.")
        return HttpResponseRedirect(request.path)
    return _page(request, form, kept)


def read_hours(data: QueryDict) -> list[dict[str, Any]] | None:
    """What the form says of hours: a pair of times for each interval of a day; empty ones are none.

    The end of a day is 00:00 in a browser's field for times.
    """
    if data.get("always") == "yes":
        return None
    found: list[dict[str, Any]] = []
    for day in range(len(DAYS)):
        times = zip(data.getlist(f"from_{day}"), data.getlist(f"to_{day}"), strict=False)
        found += [
            {"day": day, "from": opens, "to": "24:00" if closes == "00:00" else closes}
            for opens, closes in times
            if opens or closes
        ]
    return found


def _page(request: AgentRequest, form: InboxForm, kept: MessengerSettings) -> HttpResponse:
    always = form.hours is None
    errors = [*form.non_field_errors()]
    context = {
        **settings_context(request, "inbox"),
        "form": form,
        "project": request.project,
        "hook": public_url(request, hook.path_of(request.project.id)),
        "always": always,
        "days": _days(USUAL if form.hours is None else form.hours),
        "hours_errors": errors,
        "now": _now(kept.office_hours, ZoneInfo(request.project.time_zone)),
    }
    status = 422 if form.is_bound else 200
    return render(request, "console/inbox_settings/inbox.html", context, status=status)


def _days(said: Sequence[dict[str, Any]]) -> list[Day]:
    days = [Day(number, name, []) for number, name in enumerate(DAYS)]
    for one in said:
        closes = "00:00" if one["to"] == "24:00" else one["to"]
        days[one["day"]].intervals.append((one["from"], closes))
    return days


def _now(office: Hours, zone: ZoneInfo) -> Now:
    now = clock.now()
    is_open = hours.is_open(office, zone, now)
    return Now(is_open, None if is_open else hours.opens_next(office, zone, now))
