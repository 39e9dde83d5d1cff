"""What the demo population surfs with: real User-Agent headers, as often as they are met."""

from dataclasses import dataclass
from functools import cache
from random import Random

from regulars.demo.markup import HERE


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser on a system. `{v}` in the header stands for one of its versions."""

    weight: int
    on_phone: bool
    versions: tuple[str, ...]
    header: str


@cache
def browsers() -> tuple[Browser, ...]:
    """All of them."""
    lines = (HERE / "data/browsers.txt").read_text("utf-8").splitlines()
    return tuple(_browser(line) for line in lines if not line.startswith("#"))


def user_agent(random: Random, *, on_phone: bool) -> str:
    """A User-Agent header of a phone (or tablet), or of a computer."""
    offered = [one for one in browsers() if one.on_phone is on_phone]
    browser = random.choices(offered, [one.weight for one in offered])[0]
    return browser.header.replace("{v}", random.choice(browser.versions))


def _browser(line: str) -> Browser:
    weight, device, versions, header = line.split(" | ")
    return Browser(int(weight), device == "phone", tuple(versions.split()), header)
