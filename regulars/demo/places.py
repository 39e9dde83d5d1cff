"""Where the demo population lives: countries with cities, names, and addresses that lead there.

The prefixes are large access networks; a test looks each up in the shipped country database.
"""

import ipaddress
import json
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from regulars.demo.markup import HERE


@dataclass(frozen=True, slots=True)
class Country:
    """A country as far as the demo needs one. `weight` is its share among all."""

    code: str
    weight: int
    locale: str
    timezone: str
    offset: float  # hours from UTC in winter: near enough to make people sleep at night
    prefixes: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]

    def address(self, random: Random) -> str:
        """An IPv4 address there."""
        network = ipaddress.ip_network(random.choice(self.prefixes))
        # Neither a network's first address nor its last.
        return str(network[random.randrange(256, network.num_addresses - 256)])


@cache
def countries() -> tuple[Country, ...]:
    """All of them."""
    return tuple(_country(row) for row in json.loads((HERE / "data/countries.json").read_bytes()))


def somewhere(random: Random) -> Country:
    """A country, the larger markets more often."""
    return random.choices(countries(), _weights())[0]


@cache
def _weights() -> list[int]:
    return [country.weight for country in countries()]


def _country(row: dict[str, Any]) -> Country:
    places = (city.partition(", ") for city in row["cities"])
    return Country(
        code=row["code"],
        weight=row["weight"],
        locale=row["locale"],
        timezone=row["timezone"],
        offset=row["offset"],
        prefixes=tuple(row["prefixes"].split()),
        cities=tuple((city, region) for city, _, region in places),
        women=tuple(row["women"].split()),
        men=tuple(row["men"].split()),
        surnames=tuple(row["surnames"].split()),
    )
