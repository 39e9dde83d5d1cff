"""What the frame around every screen shows; views fill it in, `console/shell.html` draws it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SegmentLink:
    """A saved segment under *People* in the nav."""

    label: str
    url: str
    count: int
    live: str = ""  # the name of its count among those that are kept true
    current: bool = False


@dataclass(frozen=True, slots=True)
class Rail:
    """Saved segments under *People* in the nav: the first by name, and the way to all of them."""

    links: tuple[SegmentLink, ...] = ()
    all_url: str = ""
    again_url: str = ""  # where it is drawn anew, when segments are made, renamed or deleted
    counting: bool = False  # one of them is being filled: its number moves though nobody is named


@dataclass(frozen=True, slots=True)
class NavItem:
    """A screen in the nav; on a phone, in the bar at the bottom."""

    label: str
    url: str
    icon: str
    go: str  # the letter that goes here after G
    current: bool = False
    shows_part: bool = False  # what is shown stands under it: it is not the page itself
    unread: str = ""  # how many; nothing where there are none
    live: str = ""  # the name by which that number is kept true
    rail: Rail | None = None
    phone: bool = True


@dataclass(frozen=True, slots=True)
class ProjectLink:
    """One of the agent's projects in the switcher."""

    name: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A line of the *New* or the account menu: a link, or a dialog to open.

    `opens` names one that the page has; with `dialog`, the address answers one.
    """

    label: str
    icon: str
    url: str = ""
    opens: str = ""  # the id of a <dialog>
    key: str = ""  # its single-key shortcut, lower case
    after_rule: bool = False  # a line is drawn above it
    dialog: bool = False


@dataclass(frozen=True, slots=True)
class InboxLine:
    """What every page needs to hear of the inbox."""

    socket: str
    news_url: str
    agent: str
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The agent who is signed in."""

    name: str
    email: str
    role: Literal["owner", "admin", "agent"]
    sign_out_url: str  # takes a POST
    away: bool = False
    away_url: str = ""  # goes away and comes back; takes a POST

    @property
    def here(self) -> bool:
        """Whether they are shown as present."""
        return not self.away


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything `console/shell.html` needs beside the page itself."""

    project: str
    account: Account
    nav: tuple[NavItem, ...]
    settings_url: str
    in_settings: bool = False
    projects: tuple[ProjectLink, ...] = ()
    new_project_url: str = ""
    new: tuple[MenuItem, ...] = ()
    account_items: tuple[MenuItem, ...] = ()
    online: int = 0  # people here now
    live_url: str = ""  # the stream of what happens
    live_after: int = 0  # where this page's knowledge ends in it
    inbox: InboxLine | None = None
    counts_url: str = ""  # the numbers that change, by name
    search_url: str = ""  # where the search box of the top bar leads; it sends `q`
    search_label: str = "Search people"
    palette_url: str = ""  # where the palette asks; without one the search box is only a box
    credit_url: str = (
        ""  # whom the place database must credit, if one is installed that asks for it
    )
    credit: str = ""
