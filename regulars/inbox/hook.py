"""The address at which a project's mail is handed in.

It holds a signature made with the installation's secret: knowing it is the right to hand in mail
for the project, and nothing else.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from uuid import UUID

from regulars.kit import environment

PREFIX = "/hooks/email/"

_PATH = re.compile(r"/hooks/email/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-f]{40})")


def path_of(project_id: UUID) -> str:
    """Where mail for the project is handed in."""
    return f"{PREFIX}{project_id}.{_signature(project_id)}"


def project_of(path: str) -> UUID | None:
    """The project whose door the path is; None for one that was made up."""
    found = _PATH.fullmatch(path)
    project_id = UUID(found[1]) if found else UUID(int=0)
    given = found[2] if found else ""
    return project_id if hmac.compare_digest(given, _signature(project_id)) else None


def _signature(project_id: UUID) -> str:
    key = environment.read().secret_key.encode()
    return hmac.digest(key, b"inbound mail\n" + project_id.bytes, sha256).hex()[:40]
