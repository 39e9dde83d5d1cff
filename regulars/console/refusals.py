"""How a screen says no: in a toast, with nothing swapped, so that nothing typed is lost."""

from __future__ import annotations

import json

from django.http import HttpResponse

REFUSED = 422


def refusal(words: str, status: int = REFUSED) -> HttpResponse:
    """The answer that says these words."""
    toast = json.dumps({"toast": {"text": words, "bad": True}})
    headers = {"HX-Trigger": toast, "HX-Reswap": "none"}
    return HttpResponse(words, content_type="text/plain", status=status, headers=headers)
