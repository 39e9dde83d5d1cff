"""Pictures that mails show: taken in from agents, made small and clean, handed out to anybody.

What comes in is decoded and drawn anew, so that nothing is kept but the picture: no place, no
camera, nothing hidden behind it. A picture's id is a hash of what is kept: the same one twice is
one, and nobody can name it who has not got it. What the outside sees is a picture or nothing.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from PIL import Image, ImageOps, ImageSequence
from psycopg.rows import class_row

from regulars.kit import arrays
from regulars.kit.storage import storage
from regulars.mail import clean
from regulars.mail.content.errors import ContentError

Connection = psycopg.Connection[Any]

MOST_BYTES = 10 * 1024 * 1024  # of a file that comes in
MOST_PIXELS = 40_000_000
MOST_FRAMES = 100
MOST_KEPT = 5 * 1024 * 1024  # bytes: a mail program gives up on more
WIDEST = 1200  # pixels: twice a mail's width, for screens that draw two for one
TALLEST = 4000
MOST_IMAGES = 5_000  # of a project

PREFIX = "/media/"
_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_AT = re.compile(f"{PREFIX}[0-9a-f-]{{36}}/({_ID})[.](?:png|jpg|gif)")
_TAKEN = ("PNG", "JPEG", "GIF", "WEBP")
_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}

ADD = """
INSERT INTO image (project_id, id, name, media_type, bytes, width, height, created_at, created_by)
VALUES (%(project)s, %(id)s, %(name)s, %(media_type)s, %(bytes)s, %(width)s, %(height)s, %(now)s,
        %(by)s)
ON CONFLICT (project_id, id) DO UPDATE SET name = excluded.name, created_at = excluded.created_at
"""
SHOWN = """
UPDATE image SET shown_at = %s
WHERE project_id = %s AND id = ANY(%s::uuid[]) AND shown_at IS NULL
"""
COUNT = "SELECT count(*) FROM image WHERE project_id = %s"
_COLUMNS = "project_id, id, name, media_type, bytes AS size, width, height, created_at"
FIND = f"SELECT {_COLUMNS} FROM image WHERE project_id = %s AND id = %s"
NEWEST = f"""
SELECT {_COLUMNS} FROM image WHERE project_id = %s ORDER BY created_at DESC, id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture as it is kept."""

    project_id: UUID
    id: UUID
    name: str
    media_type: str
    size: int  # bytes
    width: int
    height: int
    created_at: datetime

    @property
    def path(self) -> str:
        """Where anybody finds it, behind the installation's address."""
        return f"{PREFIX}{self.project_id}/{self.id}.{_SUFFIX[self.media_type]}"

    def content(self) -> bytes:
        """Its bytes. Raises storage.GoneError and UnavailableError."""
        return storage().read(key(self.project_id, self.id))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture drawn anew."""

    content: bytes
    media_type: str
    width: int
    height: int


def take(
    connection: Connection,
    project_id: UUID,
    name: str,
    content: bytes,
    now: datetime,
    *,
    by: UUID | None = None,
) -> Kept:
    """Keep a picture. Raises ContentError, and storage.UnavailableError."""
    drawn = draw(content)
    (count,) = connection.execute(COUNT, (project_id,)).fetchone() or (0,)
    if count >= MOST_IMAGES:
        raise ContentError("file", f"A project can have {MOST_IMAGES:,} pictures at most.")
    id_ = UUID(bytes=hashlib.sha256(drawn.content).digest()[:16])
    kept = Kept(
        project_id=project_id,
        id=id_,
        name=clean.file_name(name, 1),
        media_type=drawn.media_type,
        size=len(drawn.content),
        width=drawn.width,
        height=drawn.height,
        created_at=now,
    )
    connection.execute(
        ADD,
        {
            "project": project_id, "id": id_, "name": kept.name, "media_type": kept.media_type,
            "bytes": kept.size, "width": kept.width, "height": kept.height, "now": now, "by": by,
        },
    )  # fmt: skip
    # Behind the row, whose lock keeps `picture_upkeep` from letting go of it meanwhile.
    storage().keep(key(project_id, id_), drawn.content)
    return kept


def find(connection: Connection, project_id: UUID, image_id: UUID) -> Kept | None:
    """A picture, by its id."""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(FIND, (project_id, image_id)).fetchone()


def at(connection: Connection, project_id: UUID, path: str) -> Kept | None:
    """The project's picture that is found at a path."""
    found = _AT.fullmatch(path)
    kept = find(connection, project_id, UUID(found[1])) if found else None
    return kept if kept is not None and kept.path == path else None


def named_in(project_id: UUID, said: str) -> set[UUID]:
    """The project's pictures that a text names, wherever in it."""
    return {UUID(found) for found in re.findall(f"{PREFIX}{project_id}/({_ID})[.]", said)}


def note_shown(connection: Connection, project_id: UUID, said: str, now: datetime) -> None:
    """A mail that says this is sent: its pictures are kept for good, as mailboxes keep the mail."""
    found = named_in(project_id, said)
    if found:
        connection.execute(SHOWN, (now, project_id, arrays.of_ids(found)))


def newest(connection: Connection, project_id: UUID, limit: int = 24) -> list[Kept]:
    """Those that were used last, the newest first."""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(NEWEST, (project_id, limit)).fetchall()


def draw(content: bytes) -> Drawn:
    """The picture drawn anew, no larger than mails need. Raises ContentError."""
    if not content:
        raise ContentError("file", "The file is empty.")
    if len(content) > MOST_BYTES:
        raise ContentError("file", f"A picture has at most {MOST_BYTES // 1024 // 1024} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit on pixels is our own, below
            with Image.open(io.BytesIO(content), formats=_TAKEN) as image:
                made = _drawn(image)
    except ContentError:
        raise
    except Exception as wrong:  # a broken picture fails in any of Pillow's ways
        words = "This is no picture that mails can show: PNG, JPEG, GIF or WebP."
        raise ContentError("file", words) from wrong
    if len(made.content) > MOST_KEPT:
        raise ContentError("file", "This picture is too heavy for a mail, even made smaller.")
    return made


def _drawn(image: Image.Image) -> Drawn:
    width, height = image.size
    if width * height > MOST_PIXELS or not width or not height:
        raise ContentError("file", f"A picture has at most {MOST_PIXELS // 1_000_000} megapixels.")
    if image.format == "GIF" and getattr(image, "is_animated", False):
        return _moving(image)
    upright = ImageOps.exif_transpose(image)
    clear = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    flat = upright.convert("RGBA" if clear else "RGB")
    flat.thumbnail((WIDEST, TALLEST))
    out = io.BytesIO()
    if clear or image.format in ("PNG", "GIF"):
        flat.save(out, "PNG", optimize=True)
        return Drawn(out.getvalue(), "image/png", *flat.size)
    flat.save(out, "JPEG", quality=84, optimize=True, progressive=True)
    return Drawn(out.getvalue(), "image/jpeg", *flat.size)


def _moving(image: Image.Image) -> Drawn:
    """A picture that moves, frame by frame."""
    if getattr(image, "n_frames", 1) > MOST_FRAMES:
        raise ContentError("file", f"A moving picture has at most {MOST_FRAMES} frames.")
    if image.size[0] * image.size[1] * getattr(image, "n_frames", 1) > MOST_PIXELS:
        raise ContentError("file", "This moving picture is too large.")
    frames, times = [], []
    for frame in ImageSequence.Iterator(image):
        whole = frame.convert("RGBA")
        whole.thumbnail((WIDEST, TALLEST))
        frames.append(whole)
        times.append(int(frame.info.get("duration", 100)))
    out = io.BytesIO()
    frames[0].save(
        out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, disposal=2
    )
    return Drawn(out.getvalue(), "image/gif", *frames[0].size)


def key(project_id: UUID, image_id: UUID) -> str:
    return f"{project_id}/{image_id}"
