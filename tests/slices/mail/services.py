"""Mail services on loopback: each one's endpoint for a mail, which says yes or what it is told to.

Run as a program it serves for ever and writes the mark of every mail it took into a file:
`python -m tests.slices.mail.services PORT FILE`.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from regulars.mail.services.accounts import SERVICES

PATHS = {
    "ses": "v2/email/outbound-emails",
    "brevo": "smtp/email",
    "mailgun": "tideway.example/messages",
    "mailjet": "send",
    "postmark": "email",
    "resend": "emails",
    "sendgrid": "mail/send",
    "sparkpost": "transmissions/",
}
KEYS = {
    "ses": {"key": "AKIA1", "secret": "right", "region": "eu-west-1", "set": "regulars"},
    "mailgun": {"key": "right", "region": "eu"},
    "mailjet": {"key": "public", "secret": "right"},
    "sendgrid": {"key": "right", "region": "us"},
    "sparkpost": {"key": "right", "region": "us"},
}


def keys_of(service: str) -> dict[str, str]:
    """What opens the account."""
    return KEYS.get(service, {"key": "right"})


@dataclass(frozen=True, slots=True)
class Took:
    """A mail as a service was told of it, whatever its words."""

    service: str
    to: str
    subject: str
    mark: str
    headers: dict[str, str]
    said: Any


@dataclass(slots=True)
class Services:
    """What came in, and what is answered next, then yes.

    An answer is a status ("429"), with `Retry-After` behind it ("429 30"); "cut" hangs up without
    an answer, "taken and cut" takes the mail first; "hang" never answers.
    """

    port: int = 0
    took: list[Took] = field(default_factory=list)
    answers: deque[str] = field(default_factory=deque)
    connections: int = 0
    slowly: float = 0.0  # seconds that an answer takes
    file: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    services: Services

    def setup(self) -> None:
        super().setup()
        self.services.connections += 1

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        services = self.services
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service, _, path = self.path.lstrip("/").partition("/")
        if path != PATHS.get(service):
            self._say(404, {"message": "There is no such thing"})
            return
        if not self._is_known(service):
            self._say(401, _no(service, 401))
            return
        took = _took(service, body, self.headers.get("Content-Type", ""))
        if services.slowly:
            time.sleep(services.slowly)
        said = services.answers.popleft() if services.answers else "200"
        if said in ("200", "taken and cut", "odd"):
            self._keep(took)
        if said.endswith("cut"):
            self.close_connection = True
            self.connection.close()
            return
        if said == "hang":
            time.sleep(30)
            return
        if said == "odd":
            self._say(200, {"who": "knows"})
            return
        status, _, wait = said.partition(" ")
        if status == "200":
            self._yes(service, took)
        else:
            self._say(int(status), _no(service, int(status)), wait)

    def _keep(self, took: Took) -> None:
        self.services.took.append(took)
        if self.services.file is not None:
            with self.services.file.open("a", encoding="ascii") as file:
                file.write(f"{took.to}\n")

    def _is_known(self, service: str) -> bool:
        headers = self.headers
        said = headers.get("Authorization", "")
        basic = base64.b64decode(said.removeprefix("Basic ")) if said.startswith("Basic ") else b""
        known = {
            "brevo": headers.get("api-key") == "right",
            "mailgun": basic == b"api:right",
            "mailjet": basic == b"public:right",
            "postmark": headers.get("X-Postmark-Server-Token") == "right",
            "ses": "Credential=AKIA1/" in said,
            "sparkpost": said == "right",
        }
        return known.get(service, said == "Bearer right")

    def _yes(self, service: str, took: Took) -> None:
        name = f"{service}-{len(self.services.took)}"
        said: Any = {
            "ses": {"MessageId": name},
            "brevo": {"messageId": name},
            "mailgun": {"id": name, "message": "Queued. Thank you."},
            "mailjet": {
                "Messages": [
                    {"Status": "success", "To": [{"Email": took.to, "MessageID": name}]}
                ]
            },
            "postmark": {"ErrorCode": 0, "Message": "OK", "MessageID": name, "To": took.to},
            "resend": {"id": name},
            "sparkpost": {
                "results": {
                    "total_accepted_recipients": 1, "total_rejected_recipients": 0, "id": name,
                }
            },
        }.get(service)  # fmt: skip
        self._say(202 if service == "sendgrid" else 200, said)

    def _say(self, status: int, said: Any, wait: str = "") -> None:
        raw = json.dumps(said).encode() if said is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if wait:
            self.send_header("Retry-After", wait)
        self.end_headers()
        self.wfile.write(raw)


def _no(service: str, status: int) -> Any:
    """A refusal in the service's words."""
    words = f"No, says {service}"
    return {
        "ses": {"__type": "MessageRejected", "message": words},
        "mailjet": {"ErrorMessage": words, "ErrorCode": "send-0003", "StatusCode": status},
        "postmark": {"ErrorCode": 406 if status == 422 else 300, "Message": words},
        "sendgrid": {"errors": [{"message": words, "field": None}]},
        "sparkpost": {"errors": [{"message": words, "code": "1902"}]},
    }.get(service, {"message": words})


def _took(service: str, body: bytes, kind: str) -> Took:  # noqa: PLR0911 - a service a case
    if service == "mailgun":
        assert "urlencoded" in kind or "multipart" in kind
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        own = {key[2:]: value for key, value in form.items() if key.startswith("h:")}
        return _of(service, form["to"], form["subject"], form.get("v:regulars", ""), own, form)
    said = json.loads(body)
    if service == "ses":
        mail = message_from_bytes(
            base64.b64decode(said["Content"]["Raw"]["Data"]), policy=policy.default
        )
        mark = said["EmailTags"][0]["Value"]
        to = said["Destination"]["ToAddresses"][0]
        return _of(service, to, str(mail["Subject"]), mark, dict(mail.items()), mail)
    if service == "mailjet":
        all_ = said["Globals"]
        to = said["Messages"][0]["To"][0]["Email"]
        mark = json.loads(all_["EventPayload"])["regulars"]
        return _of(service, to, all_["Subject"], mark, all_["Headers"], said)
    if service == "postmark":
        own = {one["Name"]: one["Value"] for one in said["Headers"]}
        return _of(service, said["To"], said["Subject"], said["Metadata"]["regulars"], own, said)
    if service == "sendgrid":
        to = said["personalizations"][0]["to"][0]["email"]
        mark = said["custom_args"]["regulars"]
        return _of(service, to, said["subject"], mark, said["headers"], said)
    if service == "sparkpost":
        content = said["content"]
        to = said["recipients"][0]["address"]["email"]
        mark = said["metadata"]["regulars"]
        return _of(service, to, content["subject"], mark, content["headers"], said)
    to, own = said["to"][0], said["headers"]
    field = "X-Mailin-custom" if service == "brevo" else "X-Metadata"
    address = to["email"] if service == "brevo" else to
    return _of(service, address, said["subject"], json.loads(own[field])["regulars"], own, said)


def _of(service: str, to: str, subject: str, mark: str, headers: dict[str, str], said: Any) -> Took:
    address = to.rpartition("<")[2].rstrip(">")
    return Took(service, address, subject, mark, dict(headers), said)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """Connections that were cut are meant."""


def serving(services: Services) -> _Server:
    """A server for them, bound to its port."""
    handler = type("Handler", (_Handler,), {"services": services})
    made = _Server(("127.0.0.1", services.port), handler)
    services.port = made.server_address[1]
    return made


@contextmanager
def mail_services(port: int = 0) -> Iterator[Services]:
    """They run while the block does."""
    kept = Services(port)
    server = serving(kept)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ALL = tuple(SERVICES)

if __name__ == "__main__":
    serving(Services(int(sys.argv[1]), file=Path(sys.argv[2]))).serve_forever()
