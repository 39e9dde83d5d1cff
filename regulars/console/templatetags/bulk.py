"""What the bulk bar offers to whoever looks at it, wherever the bar is included."""

from __future__ import annotations

from dataclasses import dataclass

from django import template

from regulars.console.access import MANAGERS, AgentRequest
from regulars.console.bulk_words import MANAGED
from regulars.people.bulk_actions import ACTIONS

register = template.Library()


@dataclass(frozen=True, slots=True)
class Offers:
    """What the agent can do with who is selected, and why not the rest."""

    segment: bool
    manage: bool
    managed_words: str


@register.simple_tag
def bulk_offers(request: AgentRequest) -> Offers:
    """The actions of the bar for the agent of a request."""
    return Offers(
        segment="segment_add" in ACTIONS,
        manage=request.role.role in MANAGERS,
        managed_words=" ".join(MANAGED.values()),
    )
