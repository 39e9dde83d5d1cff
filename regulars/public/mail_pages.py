"""The pages that people meet who unsubscribe: one question, one answer, in their language.

They work without scripts, say whose mail it is, and hold nothing of the person: whoever has the
mail, also forwarded, can do with them what its reader can, and see nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.inbox import settings as messenger
from regulars.kit import database
from regulars.mail import feedback, links, subscriptions, topics
from regulars.mail.feedback import Connection, Feedback
from regulars.mail.links import LEAVE, Reader
from regulars.mail.subscriptions import NO_TOPIC
from regulars.public import mail_words
from regulars.public.mail_words import Words

HOUSE_COLOUR = "#1f6f54"
ONE_CLICK = "List-Unsubscribe"

PROJECT = "SELECT name, company, postal_address FROM project WHERE id = %s"

_COLOUR = re.compile(r"[0-9a-f]{6}")
_LANGUAGE = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]{1,20})?(?:;q=([01](?:\.\d{0,3})?))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for at a mail's door."""

    reader: Reader
    token: str
    topic_id: UUID | None
    form: Mapping[str, list[str]]
    language: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished page."""

    status: int
    html: str
    language: str


@dataclass(frozen=True, slots=True)
class House:
    """Whose mail it is."""

    name: str
    address: str
    colour: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A topic on the preferences page."""

    value: str
    name: str
    about: str
    chosen: bool


def ask(asked: Asked) -> Answer:
    """Whether they want to unsubscribe: a mail scanner that follows the link changes nothing."""
    with database.pool().connection() as connection:
        house = _house(connection, asked)
        if house is None:
            return lost(asked.language)
        topic = _topic(connection, asked)
        return _page(asked, house, "ask", topic=topic)


def leave(asked: Asked) -> Answer:
    """They leave, all marketing or the topic; done again it changes nothing."""
    source = "one_click" if ONE_CLICK in asked.form else "page"
    with database.transaction() as connection:
        house = _house(connection, asked)
        if house is None:
            return lost(asked.language)
        topic = _topic(connection, asked)
        project_id, reader = asked.reader.project_id, asked.reader
        recipient = feedback.find(connection, project_id, reader.recipient_id)
        subscriptions.leave(
            connection,
            project_id,
            reader.hash,
            asked.now,
            source=source,
            topic_id=topic.id if topic else None,
            address=_address(reader, recipient),
        )
        _note(connection, asked, {"topic": topic.name} if topic else {})
        return _page(asked, house, "left", topic=topic)


def come_back(asked: Asked) -> Answer:
    """It was a mistake: they take again what they left last."""
    with database.transaction() as connection:
        house = _house(connection, asked)
        if house is None:
            return lost(asked.language)
        topic = _topic(connection, asked)
        back = [topic.id] if topic else [None]
        subscriptions.come_back(connection, asked.reader.project_id, asked.reader.hash, back)
        return _page(asked, house, "back", topic=topic)


def preferences(asked: Asked, *, saved: bool = False) -> Answer:
    """Every topic, and what they take of it."""
    with database.pool().connection() as connection:
        house = _house(connection, asked)
        if house is None:
            return lost(asked.language)
        project_id = asked.reader.project_id
        left = subscriptions.leaving_of(connection, project_id, asked.reader.hash)
        words = mail_words.WORDS[asked.language]
        choices = [
            Choice(str(one.id), one.name, one.description, left.wants(one.id))
            for one in topics.all_of(connection, project_id)
        ]
        rest = words.other if choices else words.news
        choices.append(Choice(str(NO_TOPIC), rest, "", left.wants(NO_TOPIC)))
        return _page(asked, house, "preferences", choices=choices, saved=saved)


def save(asked: Asked) -> Answer:
    """Keep what they chose."""
    chosen = {found for text in asked.form.get("topics", [])[:100] if (found := _uuid(text))}
    with database.transaction() as connection:
        if _house(connection, asked) is None:
            return lost(asked.language)
        project_id, reader = asked.reader.project_id, asked.reader
        known = [one.id for one in topics.all_of(connection, project_id)]
        before = subscriptions.leaving_of(connection, project_id, reader.hash)
        recipient = feedback.find(connection, project_id, reader.recipient_id)
        after = subscriptions.choose(
            connection,
            project_id,
            reader.hash,
            asked.now,
            wanted=chosen,
            topics=[*known, NO_TOPIC],
            address=_address(reader, recipient),
        )
        if after.everything and not before.everything:
            _note(connection, asked, {})
    return preferences(asked, saved=True)


def lost(language: str) -> Answer:
    """For a link that is not ours, was cut, or whose project is gone."""
    return _plain(404, language, "lost")


def away(language: str) -> Answer:
    """The database is away: nothing was changed."""
    return _plain(503, language, "away")


def icon(colour: str) -> bytes:
    """What stands on the tab: a dot in the project's colour."""
    dot = f'<circle cx="8" cy="8" r="6" fill="{_checked(colour)}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{dot}</svg>'.encode()


def style(colour: str) -> bytes:
    """The look of these pages, in the project's colour."""
    used = _checked(colour)
    own = f":root{{--accent:{used};--on-accent:{_on(used)}}}\n"
    return own.encode() + _style()


def language_of(accepted: str) -> str:
    """The language among ours that a browser asks for most."""
    best, most = "en", 0.0
    for piece in accepted.lower()[:300].split(","):
        found = _LANGUAGE.fullmatch(piece.replace(" ", ""))
        if found is None or found[1] not in mail_words.WORDS:
            continue
        weight = float(found[2]) if found[2] else 1.0
        if weight > most:
            best, most = found[1], weight
    return best


def _house(connection: Connection, asked: Asked) -> House | None:
    row = connection.execute(PROJECT, (asked.reader.project_id,)).fetchone()
    if row is None:
        return None
    name, company, address = row
    colour = messenger.load(connection, asked.reader.project_id).color or HOUSE_COLOUR
    return House(company or name, address, colour.removeprefix("#"))


def _topic(connection: Connection, asked: Asked) -> topics.Topic | None:
    """The topic that is asked about; one that is unknown or archived stands for all marketing."""
    if asked.topic_id is None:
        return None
    found = topics.find(connection, asked.reader.project_id, asked.topic_id)
    return found if found and found.archived_at is None else None


def _address(reader: Reader, recipient: feedback.Recipient | None) -> str | None:
    """The address to be shown to agents, if it is the one that the mail went to."""
    if recipient is None:
        return None
    same = links.address_hash(reader.project_id, recipient.address) == reader.hash
    return recipient.address if same else None


def _note(connection: Connection, asked: Asked, detail: dict[str, Any]) -> None:
    reader = asked.reader
    said = Feedback(
        reader.project_id, reader.recipient_id, "unsubscribed", asked.now, detail=detail
    )
    feedback.note(connection, said)


def _page(asked: Asked, house: House, page: str, **more: Any) -> Answer:
    words = mail_words.WORDS[asked.language]
    topic = more.get("topic")
    context = {
        "words": words,
        "house": house,
        "page": page,
        "path": f"{LEAVE}{asked.token}",
        "topic_id": topic.id if topic else "",
        "title": _title(words, page, house, topic),
        "heading": words.preferences_more.format(house=house.name),
        "style": f"{LEAVE}style.css?c={house.colour}",
        "icon": f"{LEAVE}icon.svg?c={house.colour}",
        **more,
    }
    return Answer(200, _render(context, asked.language), asked.language)


def _title(words: Words, page: str, house: House, topic: topics.Topic | None) -> str:
    said = {
        "ask": words.ask_topic if topic else words.ask_all,
        "left": words.left_topic if topic else words.left_all,
        "back": words.back,
        "preferences": words.preferences,
    }[page]
    return said.format(house=house.name, topic=topic.name if topic else "")


def _plain(status: int, language: str, page: str) -> Answer:
    words = mail_words.WORDS[language]
    context = {
        "words": words,
        "page": page,
        "title": words.lost if page == "lost" else words.away,
        "style": f"{LEAVE}style.css",
        "icon": f"{LEAVE}icon.svg",
    }
    return Answer(status, _render(context, language), language)


def _render(context: dict[str, Any], language: str) -> str:
    from django.template.loader import render_to_string  # noqa: PLC0415 - doors load without Django

    direction = "rtl" if language in mail_words.RIGHT_TO_LEFT else "ltr"
    whole = {**context, "language": language, "direction": direction}
    return render_to_string("public/mail_page.html", whole)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _checked(colour: str) -> str:
    given = colour.lower()
    return f"#{given}" if _COLOUR.fullmatch(given) else HOUSE_COLOUR


def _on(colour: str) -> str:
    """What is read best on the colour: WCAG's relative luminance decides."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)  # noqa: PLR2004
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#fff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000"


def _style() -> bytes:
    from regulars.public.tracker import STATIC  # noqa: PLC0415 - a path alone

    return (STATIC / "mail-page.css").read_bytes()
