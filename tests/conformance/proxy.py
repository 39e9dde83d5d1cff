"""A line that breaks at the worst moment: the request arrived, its answer does not."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import Self

PATIENCE = 20.0  # seconds that one read may take


class Line:
    """A TCP proxy that cuts the first `cuts` POSTs once the server has answered them."""

    def __init__(self, port: int, cuts: int) -> None:
        self.cut = 0
        self.answered: Counter[str] = Counter()  # requests by method, cut ones too
        self._upstream = port
        self._most = cuts
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._ends = threading.Event()
        self._accepting = threading.Thread(target=self._accept, name="line")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ends.set()
        self._accepting.join(PATIENCE)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        while not self._ends.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._serve, args=(client,), name="line-request")
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        """One request, one answer or none, and the end of the connection."""
        with client:
            client.settimeout(0.1)
            try:
                request = self._read_request(client)
                if not request:
                    return
                answer = self._ask(request)
                if not self._cuts(request.partition(b" ")[0].decode("ascii", "replace")):
                    client.settimeout(PATIENCE)
                    client.sendall(answer)
            except OSError:
                return  # the client hung up

    def _cuts(self, method: str) -> bool:
        with self._lock:
            self.answered[method] += 1
            if method != "POST" or self.cut >= self._most:
                return False
            self.cut += 1
            return True

    def _ask(self, request: bytes) -> bytes:
        """The server's whole answer: it closes after one, as `Connection: close` asks it to."""
        with socket.create_connection(("127.0.0.1", self._upstream), PATIENCE) as server:
            server.sendall(request)
            return b"".join(_chunks(server))

    def _read_request(self, client: socket.socket) -> bytes:
        """The next request, said to be its connection's last; empty where none comes."""
        said = b""
        while b"\r\n\r\n" not in said:
            more = self._receive(client)
            if not more:
                return b""
            said += more
        head, _, body = said.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        fields = {n.strip().lower(): v.strip() for n, _, v in (ln.partition(b":") for ln in lines)}
        while len(body) < int(fields.get(b"content-length", b"0")):
            more = self._receive(client)
            if not more:
                return b""
            body += more
        kept = [line for line in lines if not line.lower().startswith(b"connection:")]
        return b"\r\n".join([*kept, b"Connection: close", b"", body])

    def _receive(self, client: socket.socket) -> bytes:
        """Some bytes; none once the client hung up or the line is taken down."""
        while not self._ends.is_set():
            try:
                return client.recv(65536)
            except TimeoutError:
                continue
        return b""


def _chunks(server: socket.socket) -> Iterator[bytes]:
    while chunk := server.recv(65536):
        yield chunk
