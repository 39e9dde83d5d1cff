"""The people of the demo population: who each of them is, before they do anything."""

import unicodedata
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

from regulars.demo.browsers import user_agent
from regulars.demo.places import Country, somewhere

Kind = Literal["user", "lead", "visitor"]

_KINDS: Final[tuple[Kind, ...]] = ("user", "lead", "visitor")
_SHARES: Final = (62, 13, 25)
_PLANS: Final = ("window-shopper", "regular", "collector")
_PLAN_SHARES: Final = (60, 30, 10)
# Reserved for examples (RFC 2606): a mail sent by mistake reaches nobody.
_MAIL_DOMAINS: Final = ("example.com", "example.org", "post.example", "mail.example")
_COMPANIES: Final = (
    ("Harbour Café", "Food"),
    ("Studio Nordlicht", "Design"),
    ("Blue Door Books", "Retail"),
    ("Casa Verde", "Hospitality"),
    ("Oak & Iron", "Interiors"),
    ("Two Rivers Hotel", "Hospitality"),
    ("Kiosk Eleven", "Food"),
    ("Lumen Architects", "Design"),
)


@dataclass(frozen=True, slots=True)
class Device:
    """A browser on a machine somewhere."""

    anonymous_id: str
    user_agent: str
    ip: str


@dataclass(frozen=True, slots=True)
class Persona:
    """One made-up person."""

    kind: Kind
    user_id: str
    traits: dict[str, Any]  # said on signing up
    email: str
    name: str
    country: Country
    devices: tuple[Device, ...]
    company: tuple[str, dict[str, Any]] | None


def persona(random: Random, user_id: str, number: int) -> Persona:
    """Somebody. The `number` keeps the addresses of namesakes apart."""
    country = somewhere(random)
    city, region = random.choice(country.cities)
    woman = chance(random, 0.5)
    first = random.choice(country.women if woman else country.men)
    last = random.choice(country.surnames)
    email = f"{_local_part(first, last)}{number}@{random.choice(_MAIL_DOMAINS)}"
    traits: dict[str, Any] = {
        "name": f"{first} {last}",
        "email": email,
        "plan": random.choices(_PLANS, _PLAN_SHARES)[0],
        "newsletter": chance(random, 0.4),
        "favourite_glaze": random.choice(("moss", "sun", "ink", "oat", "sea", "plum")),
        "address": {"city": city, "state": region},
    }
    if chance(random, 0.7):
        traits["gender"] = "female" if woman else "male"
    if chance(random, 0.15):
        # A range kept free for fiction.
        traits["phone"] = f"+1 202 555 01{random.randrange(100):02}"
    kind = random.choices(_KINDS, _SHARES)[0]
    return Persona(
        kind=kind,
        user_id=user_id,
        traits=traits,
        email=email,
        name=f"{first} {last}",
        country=country,
        devices=_devices(random, country, kind),
        company=_company(random, user_id) if kind == "user" and chance(random, 0.08) else None,
    )


def chance(random: Random, share: float) -> bool:
    """True for this share of all."""
    return random.random() < share


def uuid(random: Random) -> str:
    """An id as a browser makes it, the same again for the same seed."""
    return str(UUID(int=random.getrandbits(128), version=4))


def _devices(random: Random, country: Country, kind: Kind) -> tuple[Device, ...]:
    on_phone = chance(random, 0.5)
    first = Device(uuid(random), user_agent(random, on_phone=on_phone), country.address(random))
    if kind != "user" or chance(random, 0.8):
        return (first,)
    agent = user_agent(random, on_phone=not on_phone)
    return (first, Device(uuid(random), agent, country.address(random)))


def _company(random: Random, user_id: str) -> tuple[str, dict[str, Any]]:
    name, industry = random.choice(_COMPANIES)
    employees = random.choice((2, 5, 8, 14, 30, 65))
    return f"company-of-{user_id}", {"name": name, "industry": industry, "employees": employees}


def _local_part(first: str, last: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower())
    ascii_only = "".join(c for c in plain if c.isascii() and (c.isalnum() or c == "."))
    return ascii_only.strip(".") or "reader"
