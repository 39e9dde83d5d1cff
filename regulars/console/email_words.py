"""How emails are told: their states, who is left out, what to know before one is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from regulars.campaigns.email_queries import Counts, Reached
from regulars.campaigns.emails import Email
from regulars.campaigns.fallbacks import Lack, Lacks
from regulars.campaigns.quick import Owner
from regulars.console.templatetags.console import number
from regulars.workspaces.models import Project

STATES = {
    "draft": "Draft",
    "gathering": "Draft",
    "gathered": "Draft",
    "sending": "Sending",
    "paused": "Paused",
    "sent": "Sent",
    "stopped": "Stopped",
}
TONES = {"sending": "ok", "sent": "ok", "paused": "warn", "stopped": "muted"}

_LEFT_OUT = {
    "unsubscribed": ("Unsubscribed", "From everything, or from this topic"),
    "no_address": ("No address", "We know no email for them"),
    "bad_address": ("Bad address", "It can’t be written to"),
    "bounced": ("Bounced", "Their mailbox refused us for good"),
    "complained": ("Complained", "They called a mail of yours spam"),
    "suppressed": ("Suppressed", "You blocked them"),
    "duplicate": ("Same address", "Somebody else here has it: it is written to once"),
}
# The words of the ledger for why somebody got nothing.
REASONS = {key: title for key, (title, _) in _LEFT_OUT.items()} | {"stopped": "It was stopped"}

# Of what arrived: a mail server takes mail, and says no more.
NOT_TOLD = "Told by services alone"

NUMBERS: Mapping[str, str] = {
    "sent": "Sent",
    "kept": "Kept in the outbox",
    "waiting": "Waiting",
    "failed": "Refused",
    "unknown": "Unknown",
    "cancelled": "Called off",
    "left_out": "Left out",
    "delivered": "Delivered",
    "opened": "Opened",
    "machine_opened": "Opened by a machine",
    "clicked": "Clicked",
    "machine_clicked": "Clicked by a machine",
    "replied": "Replied",
    "bounced": "Bounced",
    "complained": "Complained",
    "unsubscribed": "Unsubscribed",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many are left out for a reason."""

    count: int
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """Something to know before an email is sent."""

    words: str
    tone: str = "ok"  # "warn"; "bad" holds it up
    url: str = ""


@dataclass(frozen=True, slots=True)
class Stat:
    """A number of an email's, and the part that it is."""

    key: str
    label: str
    value: int
    share: str = ""
    tone: str = ""


def subject(text: str, project: Project | None = None) -> str:
    """A subject as lists show it: the company's name, and what stands for facts of people."""
    if project is not None:
        company = project.company.strip() or project.name
        text = _COMPANY.sub(lambda _tag: company, text)
    return _TAG.sub(lambda tag: tag[1] or "…", text) or "No subject yet"


_COMPANY = re.compile(r"\{\{-?\s*(?:company|project)\.name\s*-?\}\}")
_TAG = re.compile(r"\{\{[^}]*?(?:default:\s*[\"']([^\"']*)[\"'])?\s*\}\}")


def reason(one: Reached) -> str:
    """Why somebody stands behind a number, and what was chosen for them."""
    why = REASONS.get(one.reason, one.reason)
    chosen = _CHOSEN.get(one.chosen or "", "")
    return f"{why} {chosen}".strip() if chosen else why


_CHOSEN = {"again": "(Sent again by hand.)", "left": "(Left as it is.)"}


def left_out(found: Mapping[str, int]) -> list[LeftOut]:
    """Who is left out, most first."""
    ordered = sorted(found.items(), key=lambda one: -one[1])
    return [LeftOut(n, *_LEFT_OUT.get(reason, (reason, ""))) for reason, n in ordered if n]


def checks_of(email: Email, owner: Owner, counts: Counts, wrong: str, lacks: Lacks) -> list[Check]:
    """What to know before it is sent."""
    checks = []
    if not email.subject:
        checks.append(Check("It has no subject yet.", "bad"))
    if wrong:
        checks.append(Check(wrong, "bad"))
    if email.kind == "marketing" and owner.missing:
        what = " and ".join(owner.missing)
        checks.append(Check(f"Marketing email needs your {what}", "bad", "settings"))
    if email.state == "gathering":
        checks.append(Check("People are still being counted. Look again in a moment.", "bad"))
    elif not counts.recipients:
        checks.append(Check("Nobody would get it: everybody is left out.", "bad"))
    if not owner.from_email:
        checks.append(
            Check(
                f"It comes from {email.from_.address}: name an address of yours", "warn", "settings"
            )
        )
    if counts.left_out:
        people = "1 person is" if counts.left_out == 1 else f"{number(counts.left_out)} people are"
        checks.append(Check(f"{people} left out, for reasons you can see"))
    checks += [_lack(one, lacks.looked_at, counts.recipients) for one in lacks.found]
    if email.kind == "marketing":
        checks.append(Check("Carries your address and an unsubscribe link"))
    else:
        checks.append(Check("Also reaches people who unsubscribed", "warn"))
    return checks


def _lack(lack: Lack, looked_at: int, recipients: int) -> Check:
    """How many read something else, because a fact of theirs is not known."""
    if looked_at >= recipients:
        who = f"{number(lack.people)} of {number(recipients)} have"
    else:
        share = max(round(100 * lack.people / looked_at), 1)
        who = f"About {share}% (of {number(looked_at)} people looked at) have"
    fact = f"{who} no “{lack.fact}”"
    if lack.fallback:
        return Check(f"{fact} and read “{lack.fallback}”")
    return Check(f"{fact}: nothing stands in its place", "warn")


def stats_of(counts: Counts) -> list[Stat]:
    """The numbers of an email on its way, or after."""
    out = counts.sent + counts.unknown
    told = NOT_TOLD if out and not counts.delivered else _share(counts.delivered, out)
    shown = [
        Stat("sent", "Sent", counts.sent, _share(counts.sent, counts.recipients)),
        Stat("delivered", "Delivered", counts.delivered, told),
        Stat("opened", "Opened", counts.opened, _share(counts.opened, out)),
        Stat("clicked", "Clicked", counts.clicked, _share(counts.clicked, out)),
        Stat("replied", "Replied", counts.replied, _share(counts.replied, out)),
        Stat("unsubscribed", "Unsubscribed", counts.unsubscribed, _share(counts.unsubscribed, out)),
        Stat("bounced", "Bounced", counts.bounced, _share(counts.bounced, out)),
        Stat("complained", "Complained", counts.complained, _share(counts.complained, out)),
    ]
    if counts.kept:
        shown.insert(0, Stat("kept", "Kept in the outbox", counts.kept))
    return shown


def under_way(counts: Counts) -> list[Stat]:
    """Where those are who did not simply get it."""
    keys = (
        "waiting",
        "failed",
        "unknown",
        "cancelled",
        "left_out",
        "machine_opened",
        "machine_clicked",
    )
    return [Stat(key, NUMBERS[key], value) for key in keys if (value := getattr(counts, key))]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else ""
