"""How much a request may carry: Django takes bodies in before anybody is asked who they are.

What says that it is more is refused at once; what says nothing and is more is cut off.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from regulars.public.http import Receive, Scope, Send

MOST_BYTES = 300 * 1024 * 1024  # the largest file that is taken, and what stands around it


def says_too_much(scope: Scope) -> bool:
    """Whether the request's own length is more than is taken."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return not given.isdigit() or len(given) > len(str(MOST_BYTES)) or int(given) > MOST_BYTES


async def refuse(send: Send) -> None:
    """413, without a look at the body."""
    words = b"That is too large."
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": words})


def counted(receive: Receive) -> Receive:
    """The same messages, until they are too much: then the other side is gone."""
    taken = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= MOST_BYTES else {"type": "http.disconnect"}

    return limited
