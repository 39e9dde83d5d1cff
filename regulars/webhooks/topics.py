"""What webhooks can be told of. A new kind of news is a line here and a reader in `telling`."""

from __future__ import annotations

from collections.abc import Iterable

from regulars.workspaces.errors import InvalidError

TEST = "webhook.test"  # sent when somebody asks for it, to whomever

# The topics, and in words for those who choose.
TOPICS: dict[str, str] = {
    "person.signed_up": "Somebody became a user",
    "person.changed": "Facts of a person changed",
    "segment.entered": "Somebody entered a segment",
    "segment.left": "Somebody left a segment",
    "checkpoint.reached": "Somebody reached a checkpoint of the funnel",
    "event.performed": "Somebody did something your product tracks",
    "conversation.started": "A conversation began",
    "conversation.assigned": "A conversation was handed to an agent, or to nobody",
    "conversation.closed": "A conversation was closed",
    "conversation.reopened": "A conversation was opened again",
    "conversation.snoozed": "A conversation was put off",
    "ticket.opened": "A ticket was opened",
    "ticket.changed": "A ticket’s status, priority, due time, tags or subject changed",
    "message.received": "A person wrote",
    "message.sent": "An agent wrote to a person",
    "campaign.entered": "Somebody entered a campaign",
    "campaign.goal": "Somebody reached the goal of a campaign",
    "campaign.completed": "Somebody is through with a campaign",
    "email.delivered": "An email of yours arrived",
    "email.opened": "Somebody opened an email of yours",
    "email.clicked": "Somebody followed a link in an email of yours",
    "email.replied": "Somebody answered an email of yours",
    "email.bounced": "An email of yours came back",
    "email.complained": "Somebody called an email of yours spam",
    "email.unsubscribed": "Somebody left by an email of yours",
}
MOST = len(TOPICS)


def clean(given: Iterable[str]) -> list[str]:
    """Topics as they are kept: each once, in their order; `conversation.*` is all of those.

    Raises InvalidError.
    """
    wanted: set[str] = set()
    for one in given:
        found = {topic for topic in TOPICS if one in (topic, "*") or _is_of(topic, one)}
        if not found:
            raise InvalidError("topics", f"There is no topic {one[:80]!r}.")
        wanted |= found
    if not wanted:
        raise InvalidError("topics", "Choose at least one topic.")
    return [topic for topic in TOPICS if topic in wanted]


def _is_of(topic: str, family: str) -> bool:
    return family.endswith(".*") and topic.startswith(family[:-1])
