"""Coming in and going out: sign in, the second step, links that set a password, sign out."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.account.utils import perform_login
from allauth.account.views import LoginView
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.views import AuthenticateView
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from regulars.console import push
from regulars.console.access import ip_of
from regulars.console.forms import attempt, email_field, name_field, new_password_field
from regulars.kit import clock
from regulars.workspaces import queries, sign_in
from regulars.workspaces.errors import LinkError
from regulars.workspaces.models import Agent, SignInLink

_GONE = 410
_TOO_MANY = 429

# A code stays good for a step before and after its own: so long must it be remembered.
_CODE_SECONDS = 120


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = email_field()
        self.fields["login"].widget.attrs["autofocus"] = True
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.fields["password"].help_text = ""
        self.fields["remember"].label = "Keep me signed in"
        self.fields["remember"].initial = True
        self.order_fields(["login", "password", "remember"])


class SignIn(LoginView):  # type: ignore[misc]  # allauth has no types
    form_class = SignInForm
    template_name = "console/signin/signin.html"


sign_in_view = SignIn.as_view()


class CodeForm(AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The code of the second step. Wrong ones count for the same lockout as wrong passwords."""

    code = forms.CharField(
        label="Code",
        max_length=32,
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
            }
        ),
    )

    def clean_code(self) -> str:
        request, tried = context.request, {"email": self.user.email_folded}
        if not AxesProxyHandler.is_allowed(request, tried):
            request.axes_locked_out, request.axes_credentials = True, tried
            raise ValidationError("Too many failed tries.")
        try:
            code = str(super().clean_code())
        except ValidationError:
            user_login_failed.send(sender=__name__, credentials=tried, request=request)
            raise
        once = f"code:{self.user.pk}:{normalize_user_code(code)}"
        if not cache.add(once, value=1, timeout=_CODE_SECONDS):
            raise ValidationError("This code was used already. Wait for the next one.")
        return code


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class SecondStep(AuthenticateView):  # type: ignore[misc]  # allauth has no types
    form_class = CodeForm
    template_name = "console/signin/code.html"


second_step = SecondStep.as_view()


def locked_out(
    request: HttpRequest,
    original_response: HttpResponseBase | None = None,  # noqa: ARG001 - axes' signature
    credentials: dict[str, Any] | None = None,  # noqa: ARG001 - axes' signature
) -> HttpResponse:
    """What somebody sees after too many failed tries; the same for known and unknown emails."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    return render(request, "console/signin/locked.html", {"minutes": minutes}, status=_TOO_MANY)


@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """How to get a new password: by a link from an owner, or from whoever runs the server."""
    return render(request, "console/signin/forgotten.html")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, Agent):
        sign_in.record_own(request.user, "agent.signed_out", ip=ip_of(request), now=clock.now())
        push.forget_browser(request)
    logout(request)
    return HttpResponseRedirect(reverse("account_login"))


class FirstForm(forms.Form):
    name = name_field("Your name", "name")
    email = email_field(help_text="You sign in with it.")
    password = new_password_field()


class NewPasswordForm(forms.Form):
    password = new_password_field("New password")


@never_cache
@sensitive_post_parameters("password")
def first_sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """The first owner opens the link that the first start printed. Only a POST uses it up."""
    now = clock.now()
    try:
        sign_in.open_link(token, SignInLink.Purpose.FIRST, now)
        form = FirstForm(request.POST or None)
        agent = attempt(
            form,
            lambda given: sign_in.sign_in_first(token, ip=ip_of(request), now=now, **given),
        )
    except LinkError:
        return _gone(request, "Start Regulars again: it prints a new link.")
    if agent is None:
        return render(request, "console/signin/first.html", {"form": form})
    project = queries.first_project_of(agent.id)
    return let_in(request, agent, f"/p/{project.id}/welcome/" if project else "/")


@never_cache
@sensitive_post_parameters("password")
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """An agent opens a link for a new password. Only a POST uses it up."""
    now = clock.now()
    try:
        link = sign_in.open_link(token, SignInLink.Purpose.RESET, now)
        form = NewPasswordForm(request.POST or None)
        agent = attempt(
            form,
            lambda given: sign_in.set_password_by_link(token, ip=ip_of(request), now=now, **given),
        )
    except LinkError:
        return _gone(request, "Ask for a new one where this one came from.")
    if agent is None:
        return render(request, "console/signin/reset.html", {"form": form, "link": link})
    return let_in(request, agent, "/")


def let_in(request: HttpRequest, agent: Agent, url: str) -> HttpResponse:
    """Sign an agent in who has shown who they are; a second step still comes if they have one."""
    logout(request)
    response: HttpResponse = perform_login(request, agent, redirect_url=url)
    return response


def _gone(request: HttpRequest, hint: str) -> HttpResponse:
    return render(request, "console/signin/gone.html", {"hint": hint}, status=_GONE)
