"""Amazon SES: our message as it stands, in a request signed as Amazon wants it (version 4).

django-anymail asks for boto3 here, which is large and repeats by itself what got no answer; of it
we would need one signed request. SES takes whole messages, so nothing is taken apart.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import msgspec

from regulars.kit import clock
from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.services import answers, message
from regulars.mail.services.accounts import Account
from regulars.mail.services.wire import Session

PATH = "v2/email/outbound-emails"
_ALGORITHM = "AWS4-HMAC-SHA256"


class AmazonSes:
    """An open session with an account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._session = Session()

    def post(self, to: str, raw: bytes) -> str:
        """Hand a mail over; what Amazon calls it. Raises what `answers` does."""
        url = self._account.url + PATH
        body = msgspec.json.encode(self._asked(to, raw))
        headers = {"content-type": "application/json"} | self._signed(url, body)
        answer = self._session.request("POST", url, data=body, headers=headers)
        if answer.status_code not in answers.GOOD:
            raise answers.verdict(answer)
        said = answers.json_of(answer)
        name = said.get("MessageId") if isinstance(said, dict) else None
        if not isinstance(name, str):
            raise UnknownOutcomeError("It did not say what it calls the mail")
        return name

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _asked(self, to: str, raw: bytes) -> dict[str, Any]:
        data = base64.b64encode(message.unsigned(raw)).decode()
        asked: dict[str, Any] = {
            "Destination": {"ToAddresses": [to]},
            "Content": {"Raw": {"Data": data}},
        }
        mark = message.mark_in(raw)
        if mark:
            asked["EmailTags"] = [{"Name": message.METADATA, "Value": mark}]
        if self._account["set"]:
            asked["ConfigurationSetName"] = self._account["set"]
        return asked

    def _signed(self, url: str, body: bytes) -> dict[str, str]:
        account, parts = self._account, urlsplit(url)
        at = clock.now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        fields = {"host": parts.netloc, "x-amz-date": at, "content-type": "application/json"}
        said = authorization(
            ("POST", parts.path), fields, body, (account["key"], account["secret"]),
            (account["region"], "ses"),
        )  # fmt: skip
        return {"x-amz-date": at, "authorization": said}


def authorization(
    request: tuple[str, str],
    fields: Mapping[str, str],
    body: bytes,
    keys: tuple[str, str],
    scope: tuple[str, str],
) -> str:
    """The Authorization of a request (AWS Signature Version 4), all of whose fields are signed.

    `request` is method and path, `keys` the id and the secret, `scope` region and service; `fields`
    have small letters and hold `x-amz-date`.
    """
    at = fields["x-amz-date"]
    names = ";".join(sorted(fields))
    said = "\n".join(
        (
            *request, "", *(f"{name}:{fields[name].strip()}" for name in sorted(fields)), "", names,
            sha256(body).hexdigest(),
        )
    )  # fmt: skip
    place = "/".join((at[:8], *scope, "aws4_request"))
    signed = "\n".join((_ALGORITHM, at, place, sha256(said.encode()).hexdigest()))
    key = f"AWS4{keys[1]}".encode()
    for part in place.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    code = hmac.digest(key, signed.encode(), "sha256").hex()
    return f"{_ALGORITHM} Credential={keys[0]}/{place}, SignedHeaders={names}, Signature={code}"
