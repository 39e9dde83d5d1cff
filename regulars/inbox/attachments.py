"""Files that people and agents send: taken in, tied to a message, handed out.

What a file is, is read from its bytes, never from its name or from what the sender says. Only the
few kinds of images below are ever shown in place; all else is a download.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.inbox.conversations import File
from regulars.kit import pictures
from regulars.kit.ids import new_id
from regulars.kit.storage import storage
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MOST_BYTES = 10 * 1024 * 1024
MAX_NAME = 150
UNSENT_FOR = timedelta(hours=24)
MOST_UNSENT = 40  # of one sender, so that nobody fills the disk with what they never send

SHOWN_IN_PLACE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# What may be sent, by the file's ending: nothing that a double click runs.
TAKEN = frozenset(
    {
        "png", "jpg", "jpeg", "gif", "webp", "heic", "pdf", "txt", "md", "csv", "log", "json",
        "xml", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf", "zip",
        "gz", "mp3", "m4a", "wav", "ogg", "mp4", "mov", "webm", "eml", "ics", "vcf", "html", "htm",
        "svg",
    }
)  # fmt: skip

ADD = """
INSERT INTO attachment (project_id, id, browser, person_id, agent_id, name, media_type, bytes,
                        width, height, key, created_at)
VALUES (%(project)s, %(id)s, %(browser)s, %(person)s, %(agent)s, %(name)s, %(type)s, %(bytes)s,
        %(width)s, %(height)s, %(key)s, %(now)s)
"""
UNSENT = """
SELECT count(*) FROM attachment
WHERE project_id = %(project)s AND message_id IS NULL AND created_at > %(since)s
  AND (browser = %(browser)s OR agent_id = %(agent)s)
"""
FIND = """
SELECT id, name, media_type, bytes, width, height, conversation_id, key FROM attachment
WHERE project_id = %s AND id = %s
"""
OLD = """
SELECT project_id, id, key FROM attachment
WHERE message_id IS NULL AND created_at < %s ORDER BY created_at LIMIT 200
"""
LET_GO = "DELETE FROM attachment WHERE project_id = %s AND id = %s AND message_id IS NULL"
GONE = "SELECT project_id, id, key FROM file_gone ORDER BY at LIMIT 200"
FORGET = "DELETE FROM file_gone WHERE project_id = %s AND id = %s"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose file it is until it is sent: a browser's, by its key, or an agent's."""

    browser: UUID | None = None
    agent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it is kept, and in which conversation it was sent."""

    file: File
    conversation_id: UUID | None
    key: str

    def content(self) -> bytes:
        """Its bytes. Raises storage.GoneError and UnavailableError."""
        return storage().read(self.key)


def take(
    connection: Connection,
    project_id: UUID,
    sender: Sender,
    name: str,
    content: bytes,
    now: datetime,
) -> File:
    """Keep a file that was uploaded, to be sent with a message.

    Raises InvalidError, and storage.UnavailableError.
    """
    clean = clean_name(name)
    if not content:
        raise InvalidError("file", "The file is empty.")
    if len(content) > MOST_BYTES:
        raise InvalidError("file", f"A file has at most {MOST_BYTES // 1024 // 1024} MB.")
    if clean.rpartition(".")[2].lower() not in TAKEN:
        raise InvalidError("file", "Files of this kind can’t be sent.")
    asked = {
        "project": project_id,
        "browser": sender.browser,
        "agent": sender.agent_id,
        "since": now - UNSENT_FOR,
    }
    row = connection.execute(UNSENT, asked).fetchone()
    if row and row[0] >= MOST_UNSENT:
        raise InvalidError("file", "Send the files you have attached first.")
    return _keep(connection, project_id, sender, clean, content, now)


def take_from_mail(
    connection: Connection,
    project_id: UUID,
    sender: Sender,
    name: str,
    content: bytes,
    now: datetime,
) -> File:
    """The same for what came by email: whatever it is, it is kept, and is a download."""
    return _keep(connection, project_id, sender, clean_name(name), content, now)


def find(connection: Connection, project_id: UUID, file_id: UUID) -> Kept:
    """The file. Whether the asker may have it is to be asked first. Raises UnknownError."""
    row = connection.execute(FIND, (project_id, file_id), prepare=True).fetchone()
    if row is None:
        raise UnknownError("There is no such file.")
    *file, conversation_id, key = row
    return Kept(File(*file), conversation_id, key)


def clean_name(name: str) -> str:
    """The file's own name, without ways, control characters and tricks of direction."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(one for one in last if one.isprintable() and one not in '<>:"|?*').strip(" .")
    stem, dot, ending = kept.rpartition(".")
    if not dot:
        return kept[:MAX_NAME] or "file"
    return f"{stem[: MAX_NAME - len(ending) - 1] or 'file'}.{ending[:12]}"


def served_as(media_type: str) -> tuple[str, str]:
    """Content type and disposition: what a browser might run is bytes to it, and a download."""
    if media_type in SHOWN_IN_PLACE:
        return media_type, "inline"
    return "application/octet-stream", "attachment"


def forget_unsent(connection: Connection, now: datetime) -> int:
    """Let go of what was uploaded and never sent, and of what was erased; how many.

    Raises storage.UnavailableError; what is left is for the next turn.
    """
    count = 0
    for project_id, id_, key in connection.execute(OLD, (now - UNSENT_FOR,)).fetchall():
        # Nobody can send it while we hold its row, and it stays where its bytes can't be reached.
        with connection.transaction():
            if connection.execute(LET_GO, (project_id, id_)).rowcount:
                storage().forget(key)
                count += 1
    for project_id, id_, key in connection.execute(GONE).fetchall():
        storage().forget(key)
        connection.execute(FORGET, (project_id, id_))
        count += 1
    return count


def _keep(
    connection: Connection,
    project_id: UUID,
    sender: Sender,
    name: str,
    content: bytes,
    now: datetime,
) -> File:
    id_ = new_id(now)
    picture = pictures.read(content)
    media_type = picture.media_type if picture else "application/octet-stream"
    width, height = (picture.width, picture.height) if picture else (None, None)
    key = f"{project_id}/{id_}"
    # The file is there before its row: a crash between the two leaves bytes, never a broken link.
    storage().keep(key, content)
    connection.execute(
        ADD,
        {
            "project": project_id,
            "id": id_,
            "browser": sender.browser,
            "person": None,
            "agent": sender.agent_id,
            "name": name,
            "type": media_type,
            "bytes": len(content),
            "width": width,
            "height": height,
            "key": key,
            "now": now,
        },
    )
    return File(id_, name, media_type, len(content), width, height)
