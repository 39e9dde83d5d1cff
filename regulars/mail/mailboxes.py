"""Who a header names: addresses and names out of From, To and the like, however written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from regulars.mail import clean, mime
from regulars.mail.letters import Mailbox

MOST = 50  # mailboxes of a header
MOST_NAME = 200  # letters

_MARK = re.compile(r'[,;:<>()"\\]')
_ADDRESS = re.compile(
    r"[^\s@<>()\",:;\\\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>()\",:;\\\x00-\x1f\x7f]{1,255}"
)
_COMMENT = re.compile(r"\([^()]*\)")


def mailboxes(text: str) -> list[Mailbox]:
    """The mailboxes in the header's value, in its order."""
    found: list[Mailbox] = []
    for piece in _pieces(text[: mime.MOST_VALUE]):
        mailbox = _mailbox(piece)
        if mailbox is not None:
            found.append(mailbox)
        if len(found) == MOST:
            break
    return found


def _pieces(text: str) -> Iterator[str]:
    """Between the commas that are in no quotes, brackets or comments, without a group's name."""
    begun = depth = 0
    quoted = bracket = False
    place = 0
    while (mark := _MARK.search(text, place)) is not None:
        place = mark.end()
        letter = mark[0]
        if letter == "\\":
            place += 1
        elif letter == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "()":
            depth = max(depth + (1 if letter == "(" else -1), 0)
        elif depth:
            continue
        elif letter in "<>":
            bracket = letter == "<"
        elif letter == ":" and not bracket:
            begun = place
        elif letter in ",;" and not bracket:
            yield text[begun : mark.start()]
            begun = place
    yield text[begun:]


def _mailbox(piece: str) -> Mailbox | None:
    before, opened, rest = piece.rpartition("<")
    if opened:
        address = rest.partition(">")[0].strip()
        name = before
    else:
        named = _COMMENT.search(piece)
        address = _COMMENT.sub("", piece).strip().strip("<>")
        name = named[0][1:-1] if named else ""
    if not _ADDRESS.fullmatch(address) or clean.line(address, len(address)) != address:
        return None
    local, _, domain = address.rpartition("@")
    return Mailbox(f"{local}@{domain.lower()}", _name(name))


def _name(text: str) -> str:
    name = mime.words(re.sub(r"\\(.)", r"\1", text.strip().strip('"')))
    return clean.line(name, MOST_NAME).strip("'\" ")
