"""Mail services that mail can leave by, over their APIs, and a project's account at one of them.

What a service wants to know is said here once: the form shows it, `read` checks it. An account's
secrets are kept as one sealed text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from regulars.kit import environment
from regulars.mail.smtp import BadServerError

MOST_LETTERS = 500  # of a key

_PRINTED = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that a service wants to know. What is no secret is shown again."""

    name: str
    label: str
    secret: bool = True
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    pattern: str = r"[!-~]+"
    help: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service, and what our mails ask of it.

    `regions` are the addresses of its API where it has several, the first of them the usual one.
    `keeps_id` says that it leaves our Message-ID alone; `tracking_off` that it can be told, mail by
    mail, not to track what we track.
    """

    name: str
    label: str
    wants: tuple[Wanted, ...]
    regions: Mapping[str, str]
    keeps_id: bool = False
    tracking_off: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A project's account at a service."""

    service: Service
    said: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """What was said of this, or nothing."""
        return self.said.get(name, "")

    def __repr__(self) -> str:
        """Nothing that is secret."""
        return f"<an account at {self.service.label}>"

    @property
    def url(self) -> str:
        """Where its API is, with a slash at the end."""
        elsewhere = environment.read().services_at
        if elsewhere:
            return f"{elsewhere}/{self.service.name}/"
        regions = self.service.regions
        found = regions.get(self["region"]) or next(iter(regions.values()))
        return found.format(region=self["region"])


def read(service: str, kept: str) -> Account:
    """The account that was kept as such a text. Raises BadServerError."""
    about = SERVICES.get(service)
    try:
        said = msgspec.json.decode(kept, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = {}
    if about is None or not said:
        raise BadServerError("The mail service’s key can’t be read: set the service up anew.")
    return Account(about, said)


def check(service: str, given: Mapping[str, str], kept: Account | None = None) -> Account:
    """An account by what an agent gave; a secret that is left empty stays what it was.

    Raises WrongError, which names the field.
    """
    about = SERVICES[service]
    before = kept.said if kept is not None and kept.service is about else {}
    said = {}
    for one in about.wants:
        text = given.get(one.name, "").strip()
        if not text and one.secret:
            text = before.get(one.name, "")
        wrong = _wrong_with(one, text)
        if wrong:
            raise WrongError(one.name, wrong)
        if text:
            said[one.name] = text
    return Account(about, said)


def to_keep(account: Account) -> str:
    """The text that `read` understands."""
    return msgspec.json.encode(dict(account.said)).decode()


class WrongError(ValueError):
    """What was given can't be right. `field` is its name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def _wrong_with(one: Wanted, text: str) -> str:
    if not text:
        return f"{one.label} is missing." if one.required else ""
    if one.choices:
        known = {value for value, _ in one.choices}
        return "" if text in known else f"There is no such {one.label.lower()}."
    if len(text) > MOST_LETTERS or not _PRINTED.fullmatch(text):
        return f"{one.label} is a line of plain letters, without blanks."
    if not re.fullmatch(one.pattern, text):
        return f"{one.label} does not look like that: {one.help}"
    return ""


_KEY = Wanted("key", "API key")
_US_OR_EU = Wanted(
    "region", "Region", secret=False, choices=(("us", "United States"), ("eu", "Europe"))
)

SERVICES: dict[str, Service] = {
    one.name: one
    for one in (
        Service(
            "ses",
            "Amazon SES",
            (
                Wanted("key", "Access key ID"),
                Wanted("secret", "Secret access key"),
                Wanted(
                    "region",
                    "Region",
                    secret=False,
                    pattern=r"[a-z]{2}(-[a-z]{1,12}){1,3}-\d{1,2}",
                    help="such as eu-west-1.",
                ),
                Wanted(
                    "set",
                    "Configuration set",
                    secret=False,
                    required=False,
                    pattern=r"[A-Za-z0-9_-]{1,64}",
                    help="letters, digits, - and _.",
                ),
            ),
            {"": "https://email.{region}.amazonaws.com/"},
        ),
        Service("brevo", "Brevo", (_KEY,), {"": "https://api.brevo.com/v3/"}),
        Service(
            "mailgun",
            "Mailgun",
            (_KEY, _US_OR_EU),
            {"us": "https://api.mailgun.net/v3/", "eu": "https://api.eu.mailgun.net/v3/"},
            keeps_id=True,
            tracking_off=True,
        ),
        Service(
            "mailjet",
            "Mailjet",
            (_KEY, Wanted("secret", "Secret key")),
            {"": "https://api.mailjet.com/v3.1/"},
            tracking_off=True,
        ),
        Service(
            "postmark",
            "Postmark",
            (
                Wanted("key", "Server API token"),
                Wanted(
                    "stream",
                    "Message stream",
                    secret=False,
                    required=False,
                    pattern=r"[a-z0-9_-]{1,60}",
                    help="such as broadcast; empty is outbound.",
                ),
            ),
            {"": "https://api.postmarkapp.com/"},
            keeps_id=True,
            tracking_off=True,
        ),
        Service("resend", "Resend", (_KEY,), {"": "https://api.resend.com/"}),
        Service(
            "sendgrid",
            "SendGrid",
            (_KEY, _US_OR_EU),
            {"us": "https://api.sendgrid.com/v3/", "eu": "https://api.eu.sendgrid.com/v3/"},
            keeps_id=True,
            tracking_off=True,
        ),
        Service(
            "sparkpost",
            "SparkPost",
            (_KEY, _US_OR_EU),
            {
                "us": "https://api.sparkpost.com/api/v1/",
                "eu": "https://api.eu.sparkpost.com/api/v1/",
            },
            tracking_off=True,
        ),
    )
}
