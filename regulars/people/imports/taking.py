"""A file is taken in: kept on disk, opened, its columns guessed. It is a draft from then on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

import psycopg

from regulars.kit.ids import new_id
from regulars.people import actions
from regulars.people.export import BYTE_ORDER_MARK, csv_line
from regulars.people.imports import jobs, mapping, sheet
from regulars.people.imports.bringing import How
from regulars.people.imports.jobs import Import
from regulars.people.imports.sheet import FileError, Record, Sheet

Connection = psycopg.Connection[Any]

SAMPLED = 200  # rows by which types are guessed
_A_PIECE = 1024 * 1024
_LONGEST_NAME = 120
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f/\\]")


class Readable(Protocol):
    """Whatever bytes can be read from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""


def take(
    connection: Connection,
    project_id: UUID,
    name: str,
    given: Readable,
    now: datetime,
    *,
    agent_id: UUID | None,
) -> Import:
    """Keep the file and open it: a draft. Raises FileError for one that can't be read."""
    id_ = new_id(now)
    file = jobs.file_of(id_)
    try:
        _keep(given, id_)
        opened = sheet.open_sheet(file)
        records = sample(opened)
        columns = mapping.guess(opened.columns, [record.cells for record in records])
        return jobs.add(
            connection,
            project_id,
            opened,
            columns,
            now,
            id_=id_,
            name=_UNPRINTABLE.sub(" ", name).strip()[-_LONGEST_NAME:] or "people.csv",
            agent_id=agent_id,
        )
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _keep(given: Readable, id_: UUID) -> None:
    """Write it where it is read from, for its owner alone."""
    file = jobs.file_of(id_)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    size = 0
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        while piece := given.read(_A_PIECE):
            size += len(piece)
            if size > sheet.MOST_BYTES:
                raise FileError(f"A file has at most {sheet.MOST_BYTES // 1024 // 1024} MB.")
            handle.write(piece)
        handle.flush()
        os.fsync(handle.fileno())


def sample(opened: Sheet, count: int = SAMPLED) -> list[Record]:
    """The first rows. Raises FileError where one of them can't be read."""
    return list(islice(opened.records(), count))


def options(how: How, *, make_segment: bool, asked: bool = False) -> dict[str, Any]:
    """What an import keeps of what was decided; `asked`: whether consent was spoken of."""
    return {"how": asdict(how), "make_segment": make_segment, "asked": asked}


def tag_of(text: str) -> str:
    """The tag for everybody, as tags are kept; none for blank text. Raises InvalidError."""
    kept = actions.clean_tags([text])
    return kept[0] if kept else ""


def refused_text(job: Import) -> bytes:
    """The refused rows as a file that can be mended and brought in again."""
    file = jobs.refused_file(job.id)
    if file.exists() and job.refused_bytes:
        with file.open("rb") as handle:
            return handle.read(job.refused_bytes)
    names: Sequence[str] = [one["name"] for one in job.columns if one["name"] not in mapping.OURS]
    return _line([*names, mapping.REFUSED_LINE, mapping.REFUSED_WHY])


def _line(names: Iterable[str]) -> bytes:

    return (BYTE_ORDER_MARK + csv_line(names)).encode()
