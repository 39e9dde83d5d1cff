"""What people of the demo population do on a visit to the demo shop."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from regulars.demo.catalog import ARTICLES, BRAND, PRODUCTS
from regulars.demo.pages import ARRIVALS
from regulars.demo.personas import Device, Persona, chance, uuid

Event = dict[str, Any]

_SEARCHES: Final = (
    "https://search.example/",
    "https://maps.example/",
    "https://handmade.example/ten-mugs-we-love",
    "https://pictures.example/p/glaze",
    "https://forum.example/t/best-teapot",
)
_LANDINGS: Final = ("/", "/", "/shop/", "/journal/why-glaze-runs/", "/shop/mug/", "/shop/teapot/")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where somebody comes in, and by way of what."""

    landing: str = "/"
    utm: dict[str, str] = field(default_factory=dict)
    via: str = ""


@dataclass
class Shopper:
    """A person on their way through the shop, with what they have bought and put in the basket."""

    persona: Persona
    random: Random
    base_url: str
    signed_in: bool = False
    basket: list[str] = field(default_factory=list)
    orders: int = 0
    spent: int = 0

    def visit(self, device: Device, at: datetime, *, first: bool) -> "Visit":
        """They come in. A first visit says where from."""
        return Visit(self, device, at, self._arrival() if first else Arrival())

    def _arrival(self) -> Arrival:
        landing = self.random.choice(_LANDINGS)
        if chance(self.random, 0.4):
            return Arrival(landing, self.random.choice(ARRIVALS)[1])
        if chance(self.random, 0.7):
            return Arrival(landing, via=self.random.choice(_SEARCHES))
        return Arrival(landing)


class Visit:
    """One visit: pages and what is done on them, each a little later than the one before."""

    def __init__(self, who: Shopper, device: Device, at: datetime, arrival: Arrival) -> None:
        self.who = who
        self.device = device
        self.at = at
        self.events: list[Event] = []
        self._random = who.random
        self._page: dict[str, str] = {}
        self._referrer = arrival.via
        self.look(arrival.landing, arrival.utm)

    def came_earlier(self, by: timedelta) -> None:
        """All of it happened that much earlier."""
        for event in self.events:
            event["timestamp"] -= by
            for key, value in event.get("traits", {}).items():
                if isinstance(value, datetime):
                    event["traits"][key] = value - by

    def stroll(self) -> None:
        """Look around; some put things in the basket, fewer buy them."""
        for _ in range(min(7, int(self._random.expovariate(0.55)))):
            slug = self._random.choice(tuple(PRODUCTS))
            self.look(
                self._random.choices(
                    (
                        "/shop/",
                        f"/shop/{slug}/",
                        f"/journal/{self._random.choice(tuple(ARTICLES))}/",
                    ),
                    (3, 6, 2),
                )[0]
            )
        if self.who.basket and self.who.signed_in and chance(self._random, 0.45):
            self._buy()

    def look(self, path: str, utm: dict[str, str] | None = None) -> None:
        """See a page of the shop."""
        self._wait(8, 120)
        search = f"?{urlencode(utm)}" if utm else ""
        address = f"/demo{path}"
        self._page = {
            "url": f"{self.who.base_url}{address}{search}",
            "path": address,
            "search": search,
            "title": _title(path),
            "referrer": self._referrer,
        }
        self._referrer = self._page["url"]
        self._add("page", properties=self._page)
        slug = path.removeprefix("/shop/").strip("/")
        if path.startswith("/shop/") and slug in PRODUCTS:
            self._consider(slug)

    def sign_up(self) -> None:
        """A visitor becomes a user."""
        persona = self.who.persona
        self.look("/sign-up/")
        self._wait(20, 60)
        self.who.signed_in = True
        self._add("identify", traits={**persona.traits, "createdAt": self.at})
        self._add("track", event="Signed Up", properties={"plan": persona.traits["plan"]})
        if persona.company:
            company_id, traits = persona.company
            self._add("group", groupId=company_id, traits=traits)
        self.look("/account/")

    def sign_in(self) -> None:
        """A user on a device of theirs that is new to the shop."""
        self._wait(5, 30)
        self.who.signed_in = True
        self._add("identify", traits={"email": self.who.persona.email})

    def subscribe(self) -> None:
        """A visitor leaves an address and becomes a lead."""
        self._wait(10, 40)
        traits = {"email": self.who.persona.email}
        if chance(self._random, 0.6):
            traits["name"] = self.who.persona.name
        self._add("identify", traits=traits)
        self._add("track", event="Subscribed", properties={"list": "letters"})

    def _consider(self, slug: str) -> None:
        self._add("track", event="Product Viewed", properties=_described(slug))
        if chance(self._random, 0.3):
            self._wait(4, 30)
            self._add(
                "track", event="Product Added", properties={**_described(slug), "quantity": 1}
            )
            self.who.basket.append(slug)

    def _buy(self) -> None:
        basket, who = self.who.basket, self.who
        total = sum(PRODUCTS[slug].price for slug in basket)
        worth = {"currency": "EUR", "products": [_described(slug) for slug in basket]}
        self.look("/checkout/")
        self._add("track", event="Checkout Started", properties={**worth, "value": total})
        if chance(self._random, 0.25):
            return
        self._wait(30, 90)
        who.orders += 1
        who.spent += total
        order_id = f"KC-{who.persona.user_id[2:].upper()}-{who.orders}"
        self._add(
            "track",
            event="Order Completed",
            properties={**worth, "order_id": order_id, "total": total},
        )
        so_far = {
            "orders": who.orders,
            "lifetime_value": who.spent,
            "last_order_at": self.at,
        }
        self._add("identify", traits=so_far)
        basket.clear()
        self.look("/thanks/")

    def _wait(self, shortest: int, longest: int) -> None:
        self.at += timedelta(seconds=self._random.uniform(shortest, longest))

    def _add(self, kind: str, **fields: Any) -> None:
        persona, device = self.who.persona, self.device
        event: Event = {
            "type": kind,
            "messageId": uuid(self._random),
            "anonymousId": device.anonymous_id,
            "timestamp": self.at,
            "context": {
                "ip": device.ip,
                "userAgent": device.user_agent,
                "locale": persona.country.locale,
                "timezone": persona.country.timezone,
                "page": self._page,
                "library": {"name": "regulars-demo", "version": "1.0.0"},
            },
            **fields,
        }
        if self.who.signed_in:
            event["userId"] = persona.user_id
        self.events.append(event)


def _described(slug: str) -> dict[str, Any]:
    product = PRODUCTS[slug]
    return {
        "product_id": slug,
        "name": product.name,
        "category": product.kind,
        "price": product.price,
    }


def _title(path: str) -> str:
    first, _, slug = path.strip("/").partition("/")
    if slug in PRODUCTS:
        name = PRODUCTS[slug].name
    elif slug in ARTICLES:
        name = ARTICLES[slug].title
    else:
        name = first.replace("-", " ").capitalize()
    return f"{name} · {BRAND}" if name else f"{BRAND}: pots for every day"
