"""What each reason to leave an event out means, in words for whoever installs the tracker."""

from __future__ import annotations

# Reason: (what it is called, what it means). A test finds every reason here.
WORDS: dict[str, tuple[str, str]] = {
    "not_an_event": ("Not an event", "An entry of the batch is not a JSON object."),
    "too_large": ("Over 32 KB", "The event is larger than an event may be."),
    "too_deep": ("Nested too deeply", "Objects inside objects, more than 64 levels of them."),
    "bad_text": ("Broken text", "A text holds a NUL character or half a character."),
    "bad_number": ("Number out of range", "A number that no database can hold."),
    "wrong_type": ("Wrong type", "A field holds another type than Segment's spec says."),
    "unknown_type": ("Unknown call", "Not identify, track, page, screen, group or alias."),
    "no_event_name": ("No event name", "A track call without the event's name."),
    "nobody": ("Nobody's event", "Neither a userId nor an anonymousId says whose it is."),
    "id_too_long": ("Id too long", "An id of more than 200 characters."),
    "bad_time": ("Date out of range", "The timestamp is no ISO time between 1970 and 2200."),
    "bot": ("Bot", "A known crawler, kept out of people."),
    "privacy_signal": ("Asked not to be tracked", "The browser sends Global Privacy Control."),
    "duplicate": ("Counted before", "A retry of a message that is on disk already."),
    "erased": ("Before an erasure", "Timed before its person was erased."),
    "ambiguous_email": ("Several people", "More than one person has this address: send a userId."),
    "two_users": ("Two users", "An alias between two users: agents and REST can merge them."),
    "not_storable": ("Not storable", "The database refused a value in it."),
    "lead_without_email": ("Lead without an email", "A lead needs an address; nothing was stored."),
    "trait_left_out": ("Trait left out", "Kept, without the trait that could not be used."),
}


def title_of(reason: str) -> str:
    """What the reason is called."""
    return WORDS.get(reason, (reason.replace("_", " ").capitalize(), ""))[0]


def meaning_of(reason: str) -> str:
    """What the reason means, in a sentence."""
    return WORDS.get(reason, ("", ""))[1]
