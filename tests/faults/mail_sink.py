"""A mail server of its own process that writes down whom each mail was for: `PORT FILE`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Ledger:
    """A line a mail, written before it is said that it was taken."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1, encoding="ascii")

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        recipients: list[Any] = envelope.rcpt_tos
        self._file.write("".join(f"{one}\n" for one in recipients))
        return "250 OK"


if __name__ == "__main__":
    controller = Controller(Ledger(Path(sys.argv[2])), hostname="127.0.0.1", port=int(sys.argv[1]))
    controller.start()
    while True:
        time.sleep(60)
