"""What the console's forms share: fields, and showing beside a field why an action refused it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from regulars.workspaces.errors import InvalidError

T = TypeVar("T")


def attempt(form: forms.Form, action: Callable[[dict[str, Any]], T]) -> T | None:
    """Run `action` on the cleaned values; None where the form or the action refuses them."""
    if not form.is_valid():
        return None
    try:
        return action(form.cleaned_data)
    except InvalidError as wrong:
        form.add_error(wrong.field if wrong.field in form.fields else None, wrong.message)
        return None


def password_field(label: str, autocomplete: str, **options: Any) -> forms.CharField:
    """A password as it was typed: spaces at its ends count."""
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(
        label=label,
        strip=False,
        max_length=200,
        widget=widget,
        error_messages={"required": f"{label} can't be empty."},
        **options,
    )


def new_password_field(label: str = "Password") -> forms.CharField:
    """A field for choosing a password."""
    return password_field(
        label,
        "new-password",
        help_text="12 characters or more. A sentence is easiest to keep.",
    )


def name_field(label: str, autocomplete: str = "off", **options: Any) -> forms.CharField:
    """A short line of text."""
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(
        label=label,
        max_length=100,
        widget=widget,
        error_messages={"required": f"{label} can't be empty."},
        **options,
    )


def email_field(label: str = "Email", **options: Any) -> forms.EmailField:
    """An email address that stands for an account."""
    widget = forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none"})
    return forms.EmailField(
        label=label,
        max_length=254,
        widget=widget,
        error_messages={
            "required": "The email can't be empty.",
            "invalid": "This is not an email address.",
        },
        **options,
    )
