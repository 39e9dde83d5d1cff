"""Who may sign in: the agent with this email, by password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from regulars.kit.text import fold
from regulars.workspaces.models import Agent


class PasswordBackend(ModelBackend):
    """Finds the agent by the folded email; an unknown one takes as long as a known one."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django's signature
        username: str | None = None,  # noqa: ARG002 - Django's signature; agents have none
        password: str | None = None,
        **credentials: Any,
    ) -> Agent | None:
        email = fold(str(credentials.get("email") or ""))
        if not email or "\x00" in email or password is None:
            return None
        agent = Agent.objects.filter(email_folded=email).first()
        if agent is None:
            Agent().set_password(password)
            return None
        if agent.check_password(password) and self.user_can_authenticate(agent):
            return agent
        return None


def name_tried(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """Whose sign-in failed, for the lockout: one spelling for every way to write an email."""
    tried = (credentials or {}).get("email") or request.POST.get("login") or ""
    return fold(str(tried))[:254] or None


def told_in_logs(
    username: str | None,  # noqa: ARG001 - axes' signature
    ip_address: str | None,
    user_agent: str,  # noqa: ARG001 - axes' signature
    path_info: str,  # noqa: ARG001 - axes' signature
    request: HttpRequest,  # noqa: ARG001 - axes' signature
) -> str:
    """What a log line says of somebody who tries: the address, which blocks can be made of.

    Not the name, into which people type passwords, nor the path, which may hold a link's token.
    """
    return ip_address or "an unknown address"
