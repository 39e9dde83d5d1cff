"""Whether Amazon SNS wrote a notification: its signature, under a certificate that Amazon serves.

A notification names the address of its certificate, so that is believed only where it is Amazon's
own: https, a host of SNS, a file of the name that SNS gives its certificates. What is served there
must be valid now, be made out to SNS, and hang together where more than one is in the file. It is
fetched over TLS that is checked, and kept for a day.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from regulars.kit import clock

Fetch = Callable[[str], bytes]

MOST_BYTES = 50_000  # of a file of certificates
MOST_CERTIFICATES = 10
MOST_KEPT = 20
KEPT = timedelta(days=1)
WITHIN = 10.0  # seconds that a certificate may take to arrive

_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]{1,12}){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?")
_FILE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
_NAME = re.compile(r"sns(\.[a-z0-9-]{1,40})?\.amazonaws\.com(\.cn)?")
_HASHES: dict[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
# What is signed, in this order, each where it is there (SNS: verifying the signatures of messages).
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class UnavailableError(Exception):
    """The certificate can't be had just now."""


class _UntrueError(ValueError):
    """Amazon did not write that."""


def is_amazons(body: bytes) -> bool:
    """Whether SNS wrote and signed it. Raises UnavailableError."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        signature = base64.b64decode(str(said.get("Signature", "")), validate=True)
        algorithm = _HASHES[str(said.get("SignatureVersion"))]
        key = _CERTIFICATES.key_of(str(said.get("SigningCertURL", "")), clock.now())
        key.verify(signature, _signed(said), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, KeyError, ValueError, binascii.Error):  # msgspec's are ValueErrors
        return False
    return True


def _signed(said: Mapping[str, Any]) -> bytes:
    fields = _NOTIFICATION if said.get("Type") == "Notification" else _CONFIRMATION
    there = [(name, said[name]) for name in fields if said.get(name) is not None]
    return "".join(f"{name}\n{value}\n" for name, value in there).encode()


class Certificates:
    """The keys of certificates that Amazon serves, as long as they are good."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: OrderedDict[str, tuple[datetime, datetime, rsa.RSAPublicKey]] = OrderedDict()
        self._lock = threading.Lock()

    def key_of(self, url: str, now: datetime) -> rsa.RSAPublicKey:
        """The key at this address. Raises ValueError where it is not Amazon's; UnavailableError."""
        parts = urlsplit(url)
        if (
            parts.scheme != "https"
            or parts.netloc != parts.hostname  # no port, no user
            or not _HOST.fullmatch(parts.netloc)
            or not _FILE.fullmatch(parts.path)
            or parts.query
        ):
            raise _UntrueError("not an address of Amazon's certificates")
        with self._lock:
            known = self._kept.get(url)
        if known is not None and known[0] <= now < known[1]:
            return known[2]
        leaf = _trusted(self._fetch(url), now)
        key = leaf.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise _UntrueError("not a key that SNS signs with")
        until = min(now + KEPT, leaf.not_valid_after_utc)
        with self._lock:
            self._kept[url] = (now, until, key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return key


def _trusted(file: bytes, now: datetime) -> x509.Certificate:
    """The certificate, checked: its name, its days, and that each that follows made it out."""
    chain = x509.load_pem_x509_certificates(file)[:MOST_CERTIFICATES]
    leaf = chain[0]
    if not any(_NAME.fullmatch(name) for name in _names(leaf)):
        raise _UntrueError("made out to somebody else")
    for one in chain:
        if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            raise _UntrueError("not valid now")
    for one, maker in pairwise(chain):
        try:
            one.verify_directly_issued_by(maker)
        except (InvalidSignature, TypeError) as wrong:
            raise _UntrueError("made out by somebody else") from wrong
    return leaf


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return found.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return [str(one.value) for one in common]


class _StayThere(HTTPRedirectHandler):
    """No other address is as good as Amazon's own."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _over_https(url: str) -> bytes:
    try:
        with build_opener(_StayThere).open(url, timeout=WITHIN) as answer:
            found: bytes = answer.read(MOST_BYTES)
    except OSError as away:
        raise UnavailableError("Amazon’s certificate can’t be had: try again.") from away
    return found


_CERTIFICATES = Certificates(_over_https)
