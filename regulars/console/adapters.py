"""How django-allauth is fitted to agents: no open sign-up, no mail of its own, no chatter."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponseBase

from regulars.console.access import ip_of
from regulars.kit import clock
from regulars.workspaces import sign_in
from regulars.workspaces.models import Agent

_NO_IP = "0.0.0.0"  # noqa: S104 - stands for an unknown address in a rate limit, nothing listens


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "The email or the password is not right.",
        "incorrect_password": "This is not your password.",
        "too_many_login_attempts": (
            "Too many failed tries. Wait a while, or ask an owner of your project for a link."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's hook
        """Agents come by invitation alone."""
        return False

    def add_message(self, *_args: Any, **_options: Any) -> None:
        """Nothing: the console's views say what happened in their own words."""

    def send_notification_mail(self, *_args: Any, **_options: Any) -> None:
        """Nothing: the audit log tells."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return ip_of(request) or _NO_IP

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **how: Any
    ) -> HttpResponseBase:
        """Every step is done and the agent is in: log it."""
        if isinstance(user, Agent):
            sign_in.record_own(user, "agent.signed_in", ip=ip_of(request), now=clock.now())
        response: HttpResponseBase = super().post_login(request, user, **how)
        return response

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """Whether this is the signed-in agent's password; failures count for the lockout."""
        if not isinstance(user, Agent):
            return False
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not right. Codes change every 30 seconds.",
    }
