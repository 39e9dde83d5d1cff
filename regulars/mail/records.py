"""The DNS records that a sending domain needs, and looking whether they are there.

SPF (RFC 7208) says which servers may send, DKIM (RFC 6376) holds our public keys, DMARC (RFC 7489)
tells receivers what to do with mail that is neither. The records are what we suggest; what is found
counts as good where it does its work, though it may say it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import dns.exception
import dns.resolver

from regulars.kit import environment
from regulars.mail import addresses, dkim
from regulars.mail.domains import Domain, Found

PATIENCE = 4.0  # seconds that all tries for one record may take
AT_ONCE = 6
_TAG = re.compile(r"\s*([a-zA-Z]+)\s*=\s*([^;]*)")


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be added. `key` names it among what was found."""

    key: str
    label: str
    type: str
    name: str  # the whole name
    value: str
    optional: bool = False


def records(domain: Domain) -> list[Record]:
    """What the domain's DNS should hold."""
    needed = [Record("spf", "SPF", "TXT", domain.name, _spf())]
    needed += [
        Record(
            f"dkim {key.selector}",
            "DKIM, RSA" if key.algorithm == "rsa" else "DKIM, Ed25519",
            "TXT",
            f"{key.selector}._domainkey.{domain.name}",
            dkim.record_of(key.algorithm, key.public),
        )
        for key in domain.live_keys
    ]
    policy = f"v=DMARC1; p=none; rua=mailto:postmaster@{domain.name}"
    needed.append(Record("dmarc", "DMARC", "TXT", f"_dmarc.{domain.name}", policy))
    if domain.return_path:
        host = urlsplit(environment.read().base_url).hostname or "localhost"
        back = addresses.domain_of(domain.return_path)
        needed.append(Record("mx", "Bounces", "MX", back, f"10 {host}"))
    return needed


def look(domain: Domain) -> dict[str, Found]:
    """What the DNS says now, by the record's key. Takes a few seconds where servers are slow."""
    resolver = resolver_of(environment.read().dns)
    wanted = records(domain)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="dns") as threads:
        answers = threads.map(lambda one: _look_for(resolver, domain, one), wanted)
        return {one.key: found for one, found in zip(wanted, answers, strict=True)}


def resolver_of(setting: str | None) -> dns.resolver.Resolver:
    """Who is asked: the machine's own servers, or the one that `REGULARS_DNS` names."""
    resolver = dns.resolver.Resolver(configure=setting is None)
    if setting is not None:
        parts = urlsplit(f"//{setting}")
        resolver.nameservers = [parts.hostname or "127.0.0.1"]
        resolver.port = parts.port or 53
    resolver.lifetime = PATIENCE
    resolver.timeout = PATIENCE / 2
    return resolver


def _look_for(resolver: dns.resolver.Resolver, domain: Domain, record: Record) -> Found:
    judge = _JUDGES[record.key.split()[0]]
    try:
        found = judge(_texts(resolver, record.name, record.type), record)
        if record.key == "dmarc" and found.state == "missing":
            return _dmarc_above(resolver, domain, record)
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return Found("unknown", f"The DNS does not answer: {type(error).__name__}.")
    return found


def _texts(resolver: dns.resolver.Resolver, name: str, kind: str) -> list[str]:
    try:
        answer = resolver.resolve(name, kind, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    if kind == "MX":
        return [str(one.exchange).rstrip(".").lower() for one in answer]
    return [b"".join(one.strings).decode("utf-8", "replace") for one in answer]


def _dmarc_above(resolver: dns.resolver.Resolver, domain: Domain, record: Record) -> Found:
    """RFC 7489, 6.6.3: where a domain says nothing, the one that it is a part of speaks for it."""
    for above in dkim.and_above(domain.name)[1:]:
        found = _judge_dmarc(_texts(resolver, f"_dmarc.{above}", "TXT"), record)
        if found.state != "missing":
            return found
    return Found("missing")


def _judge_spf(texts: list[str], _record: Record) -> Found:
    said = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    if not said:
        return Found("missing")
    if len(said) > 1:
        return Found("wrong", "There are several SPF records; mail servers then heed none.")
    if re.search(r"(^|\s)\+?all\b", said[0], re.IGNORECASE):
        return Found("wrong", "It ends in +all, which lets everybody send as you.")
    return Found("good", said[0])


def _judge_dkim(texts: list[str], record: Record) -> Found:
    if not texts:
        return Found("missing")
    ours = _tags(record.value)
    for text in texts:
        said = _tags(text)
        if re.sub(r"\s", "", said.get("p", "")) == ours["p"]:
            good = said.get("k", "rsa").strip() == ours["k"]
            return Found("good", text) if good else Found("wrong", "It names another kind of key.")
    if not _tags(texts[0]).get("p", "").strip():
        return Found("wrong", "The record is there without a key.")
    return Found("wrong", "There is another key under this name.")


def _judge_dmarc(texts: list[str], _record: Record) -> Found:
    said = [text for text in texts if _tags(text).get("v", "").strip().upper() == "DMARC1"]
    if not said:
        return Found("missing")
    if len(said) > 1:
        return Found("wrong", "There are several DMARC records; mail servers then heed none.")
    policy = _tags(said[0]).get("p", "").strip().lower()
    if policy not in ("none", "quarantine", "reject"):
        return Found("wrong", "It has no policy: p=none, p=quarantine or p=reject.")
    return Found("good", said[0])


def _judge_mx(texts: list[str], record: Record) -> Found:
    if not texts:
        return Found("missing")
    host = record.value.split()[-1]
    said = ", ".join(texts)
    return Found("good", said) if host in texts else Found("good", f"Mail goes to {said}.")


_JUDGES: dict[str, Callable[[list[str], Record], Found]] = {
    "spf": _judge_spf,
    "dkim": _judge_dkim,
    "dmarc": _judge_dmarc,
    "mx": _judge_mx,
}


def _tags(text: str) -> dict[str, str]:
    return {name.lower(): value for name, value in _TAG.findall(text)}


def _spf() -> str:
    """The server that mail goes through may send; others perhaps not."""
    smtp = environment.read().smtp_url
    host = urlsplit(smtp).hostname if smtp else None
    base = urlsplit(environment.read().base_url).hostname
    return f"v=spf1 a:{host or base or 'localhost'} ~all"
