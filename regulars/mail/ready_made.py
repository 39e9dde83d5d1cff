"""The templates that come with it: letters to begin with, in nobody's words yet. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regulars.mail.content.content import Content

_HI = '<p>Hi {{ person.first_name | default: "there" }},</p>'
_SIGNED = "<p>Best wishes,<br><b>Everyone at {{ company.name }}</b></p>"


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A template to begin with. `marketing`: it is written to sell or to bring back."""

    key: str
    name: str
    about: str
    marketing: bool
    content: Content


def _text(html: str, **rest: Any) -> dict[str, Any]:
    return {"type": "text", "html": html, **rest}


def _button(label: str, href: str, **rest: Any) -> dict[str, Any]:
    return {"type": "button", "label": label, "href": href, **rest}


def _column(title: str, says: str) -> dict[str, Any]:
    return {"title": title, "html": f"<p>{says}</p>"}


def _made(
    key: str, name: str, about: str, subject: str, preheader: str, *blocks: dict[str, Any],
    layout: str = "letter", marketing: bool = True,
) -> ReadyMade:  # fmt: skip
    numbered = [{"id": f"{block['type']}-{place}", **block} for place, block in enumerate(blocks)]
    said = {"subject": subject, "preheader": preheader, "layout": layout, "blocks": numbered}
    return ReadyMade(key, name, about, marketing, Content.from_json(said))


_ALL = (
    _made(
        "welcome", "Welcome", "For the day somebody signs up",
        'Welcome to {{ company.name }}, {{ person.first_name | default: "and thank you" }}',
        "Three small steps, and you are at home here.",
        {"type": "heading", "text": "Good to have you here"},
        _text(
            f"{_HI}<p>Thank you for signing up. Most people feel at home after these three steps;"
            " they take a few minutes.</p>"
        ),
        {
            "type": "columns",
            "columns": [
                _column("1. Look around", "What you need first is on your home page."),
                _column("2. Make it yours", "Your name and a picture tell others who you are."),
                _column("3. Try one thing", "Nothing teaches as well as your own work."),
            ],
        },
        _button("Begin here", "https://example.com/start"),
        _text(f"<p>Stuck? Just reply to this email: a person reads it.</p>{_SIGNED}"),
        {"type": "footer", "html": "<p>You get this because you signed up.</p>"},
        marketing=False,
    ),
    _made(
        "announcement", "Announcement", "Something new, and where to find it",
        "Something new for you", "What it is, what it does, and where to find it.",
        {"type": "heading", "text": "Say what is new in one line"},
        _text(
            f"{_HI}<p>Begin with what people can do now that they could not do before. One or two"
            " sentences are enough: whoever wants to know more will follow the button.</p>"
        ),
        _button("See what is new", "https://example.com/new"),
        {
            "type": "columns",
            "columns": [
                _column("Quicker", "What takes less time now, and how much."),
                _column("Simpler", "What nobody has to think of any more."),
            ],
        },
        _text(f"<p>Tell us what you think: a reply comes straight to us.</p>{_SIGNED}"),
        {"type": "footer", "html": "<p>You get this because you use {{ company.name }}.</p>"},
    ),
    _made(
        "we-miss-you", "We miss you", "For people who are slipping away",
        'It has been a while, {{ person.first_name | default: "hello" }}',
        "What changed since you were here last.",
        {"type": "heading", "text": "It has been a while"},
        _text(
            f"{_HI}<p>{{% if person.last_seen %}}You were here last on"
            ' {{ person.last_seen | date: "%-d %B" }}. {% endif %}A few things have become better'
            " since then:</p>"
        ),
        {
            "type": "columns",
            "columns": [
                _column("Asked for most", "What people wished for, and now have."),
                _column("Saves most time", "What took an hour and takes a minute."),
            ],
        },
        _button("Come and see", "https://example.com/"),
        _text(
            "<p>And if something kept you away, we would like to know. Reply with a word or two;"
            f" it helps more than you think.</p>{_SIGNED}"
        ),
        {"type": "footer", "html": "<p>You get this because you have an account with us.</p>"},
    ),
    _made(
        "follow-up", "Follow-up", "Picks up what they wrote or did",
        "About what you asked", "A short answer, and what comes next.",
        _text(f"{_HI}<p>You wrote to us a little while ago:</p>"),
        _text("<p>Put here what they asked, in their own words.</p>", look="quote"),
        _text(
            "<p>Here is the answer, as short as it can be. Then what happens next, and by when.</p>"
            "<p>Does that settle it? If not, reply here and we look at it together.</p>"
            f"{_SIGNED}"
        ),
        {"type": "footer", "html": ""},
        marketing=False,
    ),
    _made(
        "feedback", "Feedback request", "0 to 10 in one click",
        "One question for you", "It takes one click.",
        {"type": "heading", "text": "How likely would you recommend us?"},
        _text(f"{_HI}<p>One click is all it takes. We read every answer.</p>"),
        {
            "type": "scale", "href": "https://example.com/feedback?score=",
            "low": "Not at all", "high": "Very likely",
        },
        _text(f"<p>Want to say more? Reply to this email.</p>{_SIGNED}"),
        {"type": "footer", "html": "<p>You get this because you use {{ company.name }}.</p>"},
    ),
    _made(
        "notice", "Notice", "A receipt, a change, a reminder",
        "Your receipt", "What you paid, and when.",
        {"type": "heading", "text": "Thank you"},
        _text(f"{_HI}<p>This is your receipt. You need not do anything.</p>"),
        {
            "type": "rows",
            "total": True,
            "rows": [
                {"label": "Your plan", "value": "24.00"},
                {"label": "Something besides", "value": "6.00"},
                {"label": "Tax", "value": "6.90"},
                {"label": "Total", "value": "36.90"},
            ],
        },
        _button("See all receipts", "https://example.com/receipts"),
        _text("<p>A question about this? Reply, and we look into it.</p>"),
        {"type": "footer", "html": "<p>You get this because you bought something from us.</p>"},
        marketing=False,
    ),
    _made(
        "plain", "Plain letter", "No layout at all, like from a person",
        "A short hello", "",
        _text(
            f"{_HI}<p>Write as you would to one person you know. A line or two on why you write"
            " today, then the one thing you would like them to do.</p>"
            '<p>A link reads best in a sentence: <a href="https://example.com/">here is where to'
            " look</a>.</p><p>Best,<br>{{ company.name }}</p>"
        ),
        layout="plain", marketing=False,
    ),
)  # fmt: skip

READY_MADE: Mapping[str, ReadyMade] = {one.key: one for one in _ALL}

BLANK = Content.from_json(
    {
        "subject": "",
        "blocks": [
            {"type": "heading", "id": "heading-0", "text": ""},
            {"type": "text", "id": "text-1", "html": _HI},
            {"type": "footer", "id": "footer-2", "html": ""},
        ],
    }
)
