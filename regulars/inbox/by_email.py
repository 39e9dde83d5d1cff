"""A conversation's way out by email."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from regulars.inbox.conversations import Conversation
from regulars.inbox.saying import Said
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]


def send(
    connection: Connection, one: Conversation, person: Person, said: Said, now: datetime
) -> None:
    """Send the message to the person by email, as part of the running transaction."""
    raise InvalidError("channel", "Email can't be sent yet.")
