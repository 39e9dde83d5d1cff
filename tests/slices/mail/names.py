"""A little DNS server on loopback, which says what it is told to say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class Names:
    """The records that there are: (name, type) to values. It may be told to be silent."""

    def __init__(self, port: int) -> None:
        self.setting = f"127.0.0.1:{port}"
        self.records: dict[tuple[str, str], list[str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.broken = False

    def say(self, name: str, kind: str, *values: str) -> None:
        """From now on the name has these records; texts are cut in pieces as servers do."""
        self.records[name.lower(), kind] = [
            " ".join(f'"{value[at : at + 200]}"' for at in range(0, len(value), 200))
            if kind == "TXT"
            else value
            for value in values
        ]

    def answer(self, question: bytes) -> bytes:
        query = dns.message.from_wire(question)
        (asked,) = query.question
        name, kind = asked.name.to_text().rstrip(".").lower(), asked.rdtype.name
        self.asked.append((name, kind))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        values = self.records.get((name, kind), [])
        if self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            response.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *values))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire(max_size=4096)


@contextmanager
def answering() -> Iterator[Names]:
    """The server, while the block runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(0.1)
        names = Names(line.getsockname()[1])
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    question, whose = line.recvfrom(4096)
                except TimeoutError:
                    continue
                line.sendto(names.answer(question), whose)

        thread = threading.Thread(target=serve, name="names", daemon=True)
        thread.start()
        yield names
        over.set()
        thread.join(5)
