"""What is said and done in a conversation, in words and drawings: bubbles, mails, system lines.

Every text here is somebody else's: it is escaped piece by piece, and only what this module itself
writes around it is markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from regulars.console.inbox_team import Team, first_word
from regulars.inbox.conversations import Conversation, File, Message

STATUS = {
    "open": "Open",
    "pending": "Waiting on customer",
    "solved": "Solved",
    "closed": "Closed",
}
PRIORITY = {"low": "Low", "normal": "Normal", "high": "High", "urgent": "Urgent"}
RANK = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
KILO = 1024

_LINK = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_TRAILING = ".,;:!?)]}»”’*"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a system line: a text, bold or not, a link, or an instant."""

    text: str = ""
    bold: bool = False
    url: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """A file as it is shown: an image in place, anything else by its name."""

    name: str
    url: str
    size: str
    image: bool
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message. `who` is the same for messages that stand together."""

    shape: str  # "msg", "private", "mail" or "sys"
    id: UUID
    seq: int
    at: datetime
    who: str
    mine: bool = False  # said by an agent: it stands on our side
    name: str = ""
    key: str = ""
    body: str = ""  # markup
    quoted: str = ""
    subject: str = ""
    to: str = ""
    files: tuple[Attached, ...] = ()
    unverified: bool = False
    icon: str = ""
    pieces: tuple[Piece, ...] = field(default=())


class Words:
    """Draws one conversation's messages for one agent."""

    def __init__(self, one: Conversation, person: str, team: Team, *, signs: bool) -> None:
        """`person` is what the person is called; `signs` that the project's claims are signed."""
        self._one = one
        self._person = person
        self._team = team
        self._signs = signs

    def drawn(self, messages: Sequence[Message]) -> list[Drawn]:
        """The messages in their order."""
        self._team.know([one.agent_id for one in messages])
        return [self._draw(one) for one in messages]

    def _draw(self, one: Message) -> Drawn:
        if one.by == "system":
            icon, pieces = self._did(one)
            return Drawn("sys", one.id, one.seq, one.at, "system", icon=icon, pieces=pieces)
        ours = one.by != "person"
        name = self._team.named(one.agent_id) if ours else self._person
        shape = "private" if one.by == "note" else "mail" if one.channel == "email" else "msg"
        mentions = self._names(one.what.get("mentions")) if one.by == "note" else ()
        return Drawn(
            shape=shape,
            id=one.id,
            seq=one.seq,
            at=one.at,
            who=f"{one.by}:{one.agent_id or ''}",
            mine=ours,
            name=name,
            key=str(one.agent_id) if ours else str(self._one.person_id),
            body=text_html(one.body, mentions),
            quoted=one.quoted,
            subject=str(one.what.get("subject") or self._one.subject or "No subject"),
            to=str(one.what.get("to") or ""),
            files=tuple(attached(self._one.project_id, file) for file in one.files),
            unverified=self._signs and not ours and not one.verified and one.channel == "chat",
        )

    def _names(self, mentions: Any) -> tuple[str, ...]:
        """How the mentioned colleagues may be written behind the @."""
        if not isinstance(mentions, list):
            return ()
        names: list[str] = []
        for mention in mentions:
            try:
                name = self._team.called(UUID(str(mention)))
            except ValueError:
                continue
            names += [name, first_word(name)]
        return tuple(sorted(set(names), key=len, reverse=True))

    def _did(self, one: Message) -> tuple[str, tuple[Piece, ...]]:
        what = one.what
        draw = _DID.get(str(what.get("did")))
        if draw is None:
            return "info", (Piece("Something was done"),)
        icon, pieces = draw(self, one, what)
        return icon, tuple(pieces)

    def by(self, one: Message) -> Piece:
        """Who did it."""
        return Piece(self._team.named(one.agent_id), bold=True)

    def assigned(self, one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """It became somebody's."""
        to = _uuid(what.get("to"))
        if to is None:
            return "user", [self.by(one), Piece(" took everybody’s name off this")]
        if one.agent_id is None:
            return "user-check", [
                Piece("In turn, this is "),
                Piece("yours" if to == self._team.me else f"{self._team.called(to)}’s", bold=True),
            ]
        if one.agent_id == to:
            return "user-check", [self.by(one), Piece(" took this")]
        whom = "you" if to == self._team.me else self._team.called(to)
        return "user-check", [self.by(one), Piece(" assigned this to "), Piece(whom, bold=True)]

    def closed(self, one: Message, _what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """It is done."""
        done = " solved this" if self._one.number is not None else " closed this"
        return "circle-check", [self.by(one), Piece(done)]

    def reopened(self, one: Message, _what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """It is not done, or was put off long enough."""
        if one.agent_id is None:
            return "alarm-clock", [Piece("Back from being snoozed")]
        return "rotate-ccw", [self.by(one), Piece(" opened this again")]

    def snoozed(self, one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """It was put off."""
        until = _instant(what.get("until"))
        when = Piece(at=until) if until else Piece(f"{self._person} replies", bold=True)
        return "alarm-clock", [self.by(one), Piece(" snoozed this until "), when]

    def automatic(self, _one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """A program answered a mail: an absence note, a bounce."""
        said = str(what.get("subject") or what.get("reason") or "")
        return "mail", [Piece("An automatic answer came by email: "), Piece(said, bold=True)]

    def ticketed(self, one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """It got a number."""
        priority = PRIORITY.get(str(what.get("priority")), "Normal")
        opened = [Piece("Ticket "), Piece(f"#{what.get('number')}", bold=True)]
        by = f" opened by {self._team.named(one.agent_id).replace('You', 'you')}"
        who = by if one.agent_id else " opened"
        return "ticket", [*opened, Piece(f"{who}, priority "), Piece(priority, bold=True)]

    def unticketed(self, one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """It lost its number."""
        ticket = Piece(f"#{what.get('number')}", bold=True)
        return "message-circle", [
            self.by(one), Piece(" made ticket "), ticket, Piece(" a conversation again"),
        ]  # fmt: skip

    def changed(self, one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """Something of the ticket changed, from what to what."""
        changes = what.get("changed")
        pieces: list[Piece] = [self.by(one)]
        icon = "arrow-right"
        for key, pair in (changes if isinstance(changes, dict) else {}).items():
            if len(pieces) > 1:
                pieces.append(Piece(","))
            pieces += _change(str(key), *(pair if isinstance(pair, list) else [None, None])[:2])
            icon = "flag" if key == "priority" else icon
        return icon, pieces

    def merged(self, one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """It goes on elsewhere."""
        return "git-merge", [self.by(one), Piece(" merged this into "), self._other(what, "into")]

    def absorbed(self, one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """Another one goes on here."""
        return "git-merge", [
            self.by(one), Piece(" merged "), self._other(what, "gone"), Piece(" into this"),
        ]  # fmt: skip

    def rated(self, _one: Message, what: dict[str, Any]) -> tuple[str, list[Piece]]:
        """How the person found it."""
        comment = f": “{self._one.rating_comment}”" if self._one.rating_comment else ""
        return "star", [
            Piece(self._person, bold=True),
            Piece(" rated this "),
            Piece(f"{what.get('rating')} of 5", bold=True),
            Piece(comment),
        ]

    def _other(self, what: dict[str, Any], key: str) -> Piece:
        number, id_ = what.get("number"), _uuid(what.get(key))
        text = f"#{number}" if number is not None else "another conversation"
        url = reverse("conversation", args=[self._one.project_id, id_]) if id_ else ""
        return Piece(text, bold=True, url=url)


_Draw = Callable[[Words, Message, dict[str, Any]], tuple[str, list[Piece]]]
_DID: dict[str, _Draw] = {
    "assigned": Words.assigned,
    "closed": Words.closed,
    "reopened": Words.reopened,
    "snoozed": Words.snoozed,
    "automatic": Words.automatic,
    "ticketed": Words.ticketed,
    "unticketed": Words.unticketed,
    "changed": Words.changed,
    "merged": Words.merged,
    "absorbed": Words.absorbed,
    "rated": Words.rated,
}


def text_html(text: str, mentions: Sequence[str] = ()) -> SafeString:
    """Plain text as markup: its web addresses links, its mentions marked; all else escaped."""
    names = "|".join(re.escape(name) for name in mentions)
    pattern = f"{_LINK.pattern}|@(?:{names})(?!\\w)" if names else _LINK.pattern
    pieces: list[str] = []
    at = 0
    for found in re.finditer(pattern, text, re.IGNORECASE):
        word = found[0]
        if not word.startswith("@"):
            word = _address(word)
        pieces += [conditional_escape(text[at : found.start()]), _marked(word)]
        at = found.start() + len(word)
    pieces.append(conditional_escape(text[at:]))
    return SafeString("".join(pieces))


def attached(project_id: UUID, file: File) -> Attached:
    """A file with its address."""
    return Attached(
        name=file.name,
        url=reverse("inbox_file", args=[project_id, file.id]),
        size=size_of(file.bytes),
        image=file.width is not None and file.height is not None,
        width=file.width,
        height=file.height,
    )


def size_of(count: int) -> str:
    """“84 KB”."""
    if count < KILO:
        return f"{count} bytes"
    if count < KILO * KILO:
        return f"{count / KILO:.0f} KB"
    return f"{count / KILO / KILO:.1f} MB"


def _marked(word: str) -> SafeString:
    if word.startswith("@"):
        return format_html('<span class="mention">{}</span>', word)
    return format_html(
        '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', word, word
    )


def _address(found: str) -> str:
    """The address without what stands behind it in a sentence."""
    kept = found.rstrip(_TRAILING)
    closing = found[len(kept) : len(kept) + 1]
    return f"{kept})" if closing == ")" and kept.count("(") > kept.count(")") else kept


def _change(key: str, old: Any, new: Any) -> list[Piece]:
    if key == "priority":
        verb = "raised" if RANK.get(str(new), 1) > RANK.get(str(old), 1) else "lowered"
        was, now = PRIORITY.get(str(old), "–"), PRIORITY.get(str(new), "–")
        return [Piece(f" {verb} priority from {was} to "), Piece(now, bold=True)]
    if key == "status":
        was, now = STATUS.get(str(old), "–"), STATUS.get(str(new), "–")
        return [Piece(f" changed status from {was} to "), Piece(now, bold=True)]
    if key == "due_at":
        until = _instant(new)
        return [Piece(" set it due "), Piece(at=until)] if until else [Piece(" took its due time")]
    if key == "tags":
        tags = ", ".join(str(tag) for tag in new) if isinstance(new, list) and new else "none"
        return [Piece(" set its tags to "), Piece(tags, bold=True)]
    return [Piece(" named it "), Piece(f"“{new}”", bold=True)]


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
