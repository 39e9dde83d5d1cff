"""The settings an installation is given: environment variables, read in one place."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MAX_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process was told from outside. Every field is one documented variable."""

    data: Path
    database_url: str | None
    base_url: str
    smtp_url: str | None
    inbound_smtp: str | None
    storage_url: str | None
    dns: str | None
    trusted_proxies: tuple[str, ...]
    webhook_networks: tuple[str, ...]
    outbox_days: int
    services_at: str | None
    testing: bool

    @property
    def secret_key(self) -> str:
        """`REGULARS_SECRET_KEY`, or one made once and kept in the data folder (mode 0600)."""
        given = os.environ.get("REGULARS_SECRET_KEY")
        return given or _kept_secret(self.data / "secret_key")


def read() -> Environment:
    """The environment as it is now."""
    source = os.environ
    port = source.get("PORT", "8000")
    return Environment(
        data=Path(source.get("REGULARS_DATA") or "data").absolute(),
        database_url=source.get("DATABASE_URL") or None,
        base_url=(source.get("REGULARS_BASE_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        smtp_url=source.get("REGULARS_SMTP_URL") or None,
        inbound_smtp=source.get("REGULARS_INBOUND_SMTP") or None,
        storage_url=source.get("REGULARS_STORAGE_URL") or None,
        dns=source.get("REGULARS_DNS") or None,
        trusted_proxies=_listed(source.get("REGULARS_TRUSTED_PROXIES", "")),
        webhook_networks=_listed(source.get("REGULARS_WEBHOOK_NETWORKS", "")),
        outbox_days=_days(source.get("REGULARS_OUTBOX_DAYS") or "7"),
        services_at=_for_tests("REGULARS_MAIL_SERVICES_AT"),
        testing=source.get("REGULARS_TESTING") == "1",
    )


def _days(text: str) -> int:
    """A number of days, one at least. Raises ValueError."""
    days = int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0
    if days < 1:
        raise ValueError("REGULARS_OUTBOX_DAYS: expected a number of days, from 1 to 9999.")
    return days


def _for_tests(name: str) -> str | None:
    """A setting that only tests may use: nothing else may be told where keys are sent."""
    said = os.environ.get(name)
    return said.rstrip("/") if said and os.environ.get("REGULARS_TESTING") == "1" else None


def secret_is() -> tuple[str | None, str | None]:
    """What decides on the secret, to keep what was made of it by: reading all of the environment
    for each link of a mail would cost more than signing it.
    """
    return os.environ.get("REGULARS_SECRET_KEY"), os.environ.get("REGULARS_DATA")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@cache
def _kept_secret(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(secrets.token_urlsafe(48))
    try:
        # A link fails where the file exists: of two processes that start at once, one secret wins.
        os.link(fresh, file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return file.read_text(encoding="ascii").strip()
