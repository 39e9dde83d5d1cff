"""What an agent sets for themselves: name, time zone, password, the second step of signing in."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ReauthenticateForm as PasswordAgainForm
from allauth.account.views import ReauthenticateView
from allauth.core import ratelimit
from allauth.mfa.base.forms import ReauthenticateForm as CodeAgainForm
from allauth.mfa.base.views import ReauthenticateView as CodeReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from regulars.console import qr
from regulars.console.access import AgentRequest, ip_of, own_page
from regulars.console.forms import attempt, name_field, new_password_field, password_field
from regulars.console.settings_nav import settings_context
from regulars.kit import clock
from regulars.workspaces import checks, sign_in
from regulars.workspaces.models import Agent


class DetailsForm(forms.Form):
    name = name_field("Your name", "name")
    time_zone = forms.ChoiceField(
        label="Your time zone", choices=lambda: [(zone, zone) for zone in checks.time_zones()]
    )


class PasswordForm(forms.Form):
    old_password = password_field("Password now", "current-password")
    new_password = new_password_field("New password")


@own_page
def account(request: AgentRequest) -> HttpResponse:
    return _page(request)


@own_page
@require_POST
def change_details(request: AgentRequest) -> HttpResponseBase:
    form = DetailsForm(request.POST)
    saved = attempt(form, lambda given: _save_details(request, given))
    if saved is None:
        return _page(request, details=form)
    messages.success(request, "Saved.")
    return HttpResponseRedirect(reverse("account"))


@own_page
@require_POST
@sensitive_post_parameters("old_password", "new_password")
def change_password(request: AgentRequest) -> HttpResponseBase:
    too_fast: HttpResponse | None = ratelimit.consume_or_429(
        request, action="change_password", user=request.user
    )
    if too_fast is not None:
        return too_fast
    form = PasswordForm(request.POST)
    saved = attempt(form, lambda given: _save_password(request, given))
    if saved is None:
        return _page(request, password=form)
    messages.success(request, "Password changed. You were signed out everywhere else.")
    return HttpResponseRedirect(reverse("account"))


def _save_details(request: AgentRequest, given: dict[str, Any]) -> bool:
    sign_in.change_details(request.user, ip=ip_of(request), now=clock.now(), **given)
    return True


def _save_password(request: AgentRequest, given: dict[str, Any]) -> bool:
    sign_in.change_password(
        request.user,
        old=given["old_password"],
        new=given["new_password"],
        ip=ip_of(request),
        now=clock.now(),
    )
    # Sessions made with the old password end; this one is given the new one's mark.
    update_session_auth_hash(request, request.user)
    return True


def _page(
    request: AgentRequest,
    details: DetailsForm | None = None,
    password: PasswordForm | None = None,
) -> HttpResponse:
    agent = request.user
    kept = {"name": agent.name, "time_zone": agent.time_zone}
    return render(
        request,
        "console/account/account.html",
        {
            **settings_context(request, "account"),
            "details": details or DetailsForm(initial=kept),
            "password": password or PasswordForm(),
            "two_step": Authenticator.objects.filter(
                user=agent, type=Authenticator.Type.TOTP
            ).exists(),
        },
        status=422 if details or password else 200,
    )


def _record(agent: Agent, request: AgentRequest, action: str) -> None:
    sign_in.record_own(agent, action, ip=ip_of(request), now=clock.now())


class InFrame:
    """Shows one of allauth's pages inside the console's frame."""

    request: AgentRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        parent: Any = super()
        return {
            **parent.get_context_data(**kwargs),
            **settings_context(self.request, "account"),
        }


def _code_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=32,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )


class TwoStepForm(ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    code = _code_field("The code that your app shows")


@method_decorator(own_page, name="dispatch")
class TurnTwoStepOn(InFrame, ActivateTOTPView):  # type: ignore[misc]  # allauth has no types
    form_class = TwoStepForm
    template_name = "console/account/two_step_on.html"
    success_url = reverse_lazy("mfa_view_recovery_codes")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = super().get_context_data(**kwargs)
        return {
            **found,
            "qr": qr.drawing(found["totp_url"]),
            "secret": " ".join(_fours(found["form"].secret)),
        }

    def get_success_url(self) -> str:
        return str(self.success_url)

    def form_valid(self, form: TwoStepForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        _record(self.request.user, self.request, "agent.two_step_turned_on")
        messages.success(self.request, "Two-step sign-in is on. Keep the recovery codes safe.")
        return response


@method_decorator(own_page, name="dispatch")
class TurnTwoStepOff(InFrame, DeactivateTOTPView):  # type: ignore[misc]  # allauth has no types
    template_name = "console/account/two_step_off.html"
    success_url = reverse_lazy("account")

    def form_valid(self, form: forms.Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        _record(self.request.user, self.request, "agent.two_step_turned_off")
        messages.success(self.request, "Two-step sign-in is off.")
        return response


@method_decorator(own_page, name="dispatch")
class RecoveryCodes(InFrame, ViewRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    template_name = "console/account/recovery_codes.html"


@method_decorator(own_page, name="dispatch")
class NewRecoveryCodes(InFrame, GenerateRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    template_name = "console/account/new_recovery_codes.html"

    def form_valid(self, form: forms.Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        _record(self.request.user, self.request, "agent.recovery_codes_made")
        messages.success(self.request, "These codes replace the old ones.")
        return response


class PasswordAgain(PasswordAgainForm):  # type: ignore[misc]  # allauth has no types
    password = password_field("Your password", "current-password")


@method_decorator(own_page, name="dispatch")
class ConfirmByPassword(InFrame, ReauthenticateView):  # type: ignore[misc]  # allauth has no types
    form_class = PasswordAgain
    template_name = "console/account/confirm.html"


class CodeAgain(CodeAgainForm):  # type: ignore[misc]  # allauth has no types
    code = _code_field("A code from your app")


@method_decorator(own_page, name="dispatch")
class ConfirmByCode(InFrame, CodeReauthenticateView):  # type: ignore[misc]  # allauth has no types
    form_class = CodeAgain
    template_name = "console/account/confirm.html"


def _fours(secret: str) -> list[str]:
    return [secret[at : at + 4] for at in range(0, len(secret), 4)]
