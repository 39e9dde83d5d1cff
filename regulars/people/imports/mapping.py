"""Which column is which fact, and what a row says once it is known.

Pure. What is wrong with a row is found here, before anybody is looked for: a RowError names the
column, what stands there and what would help.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from regulars.kit.text import fold
from regulars.people import actions, facts
from regulars.people.export import STANDARD
from regulars.people.imports import cells
from regulars.people.imports.sheet import FileError, Record, RowError
from regulars.workspaces.errors import InvalidError

REFUSED_LINE, REFUSED_WHY = "refused_line", "refused_why"  # columns of the file of refusals
OURS = ("segments", REFUSED_LINE, REFUSED_WHY)
TEXTS = tuple(sorted(actions.STATED))
GIVEN = (actions.CHANGEABLE - {"attributes", "company"}) | {"user_id"}
CONSENT = ("subscribed", "unsubscribed")  # whether marketing may go to the address
LEFT_OUT = ""  # a column that becomes nothing
LONGEST_NAME = 100  # characters of a custom attribute's
SCOPES = ("attributes", "company")

# What columns are called elsewhere, folded, without what is no letter or digit.
KNOWN_AS = {
    "emailaddress": "email", "mail": "email", "emails": "email", "fullname": "name",
    "firstname": "first_name", "givenname": "first_name", "lastname": "last_name",
    "surname": "last_name", "familyname": "last_name", "userid": "user_id",
    "customerid": "user_id", "id": "user_id", "joined": "signed_up_at",
    "createdat": "signed_up_at", "signedup": "signed_up_at", "signupdate": "signed_up_at",
    "registered": "signed_up_at", "town": "city", "phonenumber": "phone", "mobile": "phone",
    "telephone": "phone", "company": "company.name", "companyname": "company.name",
    "organisation": "company.name", "organization": "company.name", "state": "region",
    "subscribed": "subscribed", "optin": "subscribed", "marketing": "subscribed",
    "acceptsmarketing": "subscribed", "acceptsemailmarketing": "subscribed",
    "newsletter": "subscribed", "unsubscribed": "unsubscribed", "optout": "unsubscribed",
    "unsubtime": "unsubscribed", "unsubscribedat": "unsubscribed",
}  # fmt: skip

_WORD = re.compile(r"[^0-9a-z]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the file, the fact it becomes, the type of its cells."""

    name: str
    fact: str
    type: str = "auto"


@dataclass(slots=True)
class Given:
    """What a row says of somebody."""

    line: int
    user_id: str | None = None
    email: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    subscribed: bool | None = None
    columns: dict[str, str] = field(default_factory=dict)  # facts → what their column is called

    @property
    def address(self) -> str:
        """The address, folded."""
        return fold(self.email) if self.email else ""


def matched(columns: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    """Which fact each column becomes: as said, else by its name, else a custom attribute.

    Raises FileError for a column that is none of the file's, and for what `check` refuses.
    """
    unknown = sorted(set(said) - set(columns))
    if unknown:
        raise FileError(f"The file has no column {unknown[0]}.")
    found = {column: said.get(column, guessed(column)) for column in columns}
    check(list(found.values()))
    return found


def guess(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Column]:
    """Columns by their names and by what stands in them; no fact is given twice."""
    taken: set[str] = set()
    found: list[Column] = []
    for number, name in enumerate(columns):
        samples = [row[number].strip() for row in rows if number < len(row)]
        fact = guessed(name)
        if fact in taken:
            fact = f"attributes.{key_of(name)}" if key_of(name) else LEFT_OUT
            fact = LEFT_OUT if fact in taken else fact
        taken.add(fact)
        found.append(Column(name, fact, type_for(fact, samples)))
    if "email" in taken or not rows:
        return found
    for number, column in enumerate(found):
        filled = [row[number].strip() for row in rows if number < len(row) and row[number].strip()]
        if filled and all(actions.is_email(text) for text in filled):
            found[number] = Column(column.name, "email", "text")
            break
    return found


def type_for(fact: str, samples: Sequence[str]) -> str:
    """The type that a column seems to have, where it becomes this fact."""
    guess_, _ = cells.guessed(samples)
    if fact == "signed_up_at":
        return guess_ if guess_ in cells.DATES else "date"
    if fact.partition(".")[0] in SCOPES:
        return guess_
    return "boolean" if fact in CONSENT else "text"


def check(found: Sequence[str]) -> None:
    """Raises FileError for facts that can't be given, stand twice, or find nobody."""
    for fact in found:
        check_one(fact)
    taken = [fact for fact in found if fact != LEFT_OUT]
    twice = sorted({fact for fact in taken if taken.count(fact) > 1})
    if twice:
        raise FileError(f"Two columns become {twice[0]}: leave one of them out.")
    if "email" not in taken and "user_id" not in taken:
        raise FileError("No column is an email or a user_id: nobody could be found by it.")


def check_one(fact: str) -> None:
    """Raises FileError for a fact that can't be given."""
    scope, _, key = fact.partition(".")
    known = fact in GIVEN or fact in CONSENT or fact == LEFT_OUT
    if not known and not (key and scope in SCOPES):
        raise FileError(f"A person has no fact {fact} that can be given.")
    if len(key) > LONGEST_NAME or "\x00" in key:
        raise FileError(f"A custom attribute's name has at most {LONGEST_NAME} characters.")


def guessed(column: str) -> str:
    """What a column becomes by its name."""
    plain = _WORD.sub("", fold(column))
    if column in GIVEN or (column.partition(".")[0] in SCOPES and column.partition(".")[2]):
        return column
    if column in STANDARD or column in OURS:
        return LEFT_OUT  # what our own files hold and nobody can say
    if plain in KNOWN_AS:
        return KNOWN_AS[plain]
    standard = {_WORD.sub("", fact): fact for fact in GIVEN}
    if plain in standard:
        return standard[plain]
    key = key_of(column)
    return f"attributes.{key}" if key else LEFT_OUT


def key_of(column: str) -> str:
    """A column's name as the key of a custom attribute."""
    return _WORD.sub("_", fold(column)).strip("_")[:LONGEST_NAME]


def read(columns: Sequence[Column], record: Record) -> Given:
    """What the row says. Empty cells say nothing. Raises RowError."""
    if record.wrong is not None:
        raise record.wrong
    given = Given(record.line)
    for column, cell in zip(columns, record.cells, strict=False):
        text = cells.bare(cell.strip())
        if column.fact == LEFT_OUT or not text:
            continue
        given.columns[column.fact] = column.name
        try:
            _take(given, column, text)
        except InvalidError as wrong:
            help_ = _HELP.get(column.fact, "")
            raise RowError(column.name, wrong.message.rstrip("."), text, help_) from wrong
        except ValueError as wrong:
            raise RowError(column.name, _NOT[column.type], text, str(wrong)) from wrong
    if given.email is None and given.user_id is None:
        raise RowError("", "It has neither an email nor a user_id", "", "One finds the person")
    return given


_HELP = {"email": "Write it with @", "tags": "Shorter tags, or fewer"}
_NOT = {
    "number": "Not a number",
    "boolean": "Neither yes nor no",
    "date": "Not a date",
    "date_dmy": "Not a date, day first",
    "date_mdy": "Not a date, month first",
    "auto": "Can’t be read",
    "text": "Can’t be read",
}


def _take(given: Given, column: Column, text: str) -> None:
    """One cell. Raises InvalidError and ValueError."""
    fact = column.fact
    scope, _, key = fact.partition(".")
    if key:
        value = cells.as_kept(cells.converted(text, column.type))
        problem = facts.unusable(value)
        if problem:
            raise InvalidError(fact, problem[:1].upper() + problem[1:])
        (given.company if scope == "company" else given.attributes)[key] = value
    elif fact == "tags":
        given.tags = actions.clean_tags(next(csv.reader([text])))
    elif fact in CONSENT:
        given.subscribed = _consent(fact, text)
    elif fact == "signed_up_at":
        type_ = column.type if column.type in cells.DATES else "date"
        given.facts[fact] = cells.instant(text, type_)
    elif fact == "email":
        given.email = actions.email_of(text)
    elif fact == "user_id":
        given.user_id = actions.user_id_of(text)
    else:
        given.facts[fact] = facts.single_line(text, fact, _refuse)


def _consent(fact: str, text: str) -> bool:
    """Whether marketing may go there. A date under “unsubscribed” is when they left."""
    word = text.casefold()
    if word in ("subscribed", "unsubscribed", "cleaned"):  # what other services' files say
        return word == "subscribed"
    if fact == "unsubscribed" and word not in cells.YES | cells.NO and facts.instant_of(text):
        return False
    said = cells.truth(text)
    return said if fact == "subscribed" else not said


def _refuse(key: str, problem: str) -> None:
    raise InvalidError(key, problem[:1].upper() + problem[1:])


def shown(value: Any) -> str:
    """A value as a preview shows it."""
    if isinstance(value, datetime):
        return str(cells.as_kept(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
