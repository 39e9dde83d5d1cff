"""The demo population: what it is like, and that all of it arrives."""

import ipaddress
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from regulars.demo import population
from regulars.demo.browsers import browsers
from regulars.demo.lives import World, lives
from regulars.demo.personas import Persona
from regulars.demo.places import countries
from regulars.demo.visits import Event
from regulars.tracking.enrich import bots, user_agent
from regulars.tracking.enrich.geo import GeoDatabase

NOW = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
WORLD = World(seed=7, now=NOW, base_url="http://127.0.0.1:8000")
SEEN = ("page", "track")


@pytest.fixture(scope="module")
def everybody() -> list[tuple[Persona, list[Event]]]:
    return list(lives(range(1200), WORLD))


@pytest.fixture(scope="module")
def users(
    everybody: list[tuple[Persona, list[Event]]],
) -> list[tuple[Persona, list[Event]]]:
    return [(persona, life) for persona, life in everybody if persona.kind == "user"]


def _last_seen(life: list[Event]) -> datetime:
    seen: datetime = max(event["timestamp"] for event in life if event["type"] in SEEN)
    return seen


def _sign_up(life: list[Event]) -> Event:
    (event,) = [event for event in life if "createdAt" in event.get("traits", {})]
    return event


def test_there_are_users_leads_and_visitors(everybody: list[tuple[Persona, list[Event]]]) -> None:
    kinds = Counter(persona.kind for persona, _ in everybody)
    assert kinds["user"] > kinds["visitor"] > kinds["lead"] > 100


def test_about_a_third_of_the_users_are_slipping_away(
    users: list[tuple[Persona, list[Event]]],
) -> None:
    slipped = [life for _, life in users if NOW - _last_seen(life) >= timedelta(days=28)]
    assert 0.28 < len(slipped) / len(users) < 0.42


def test_sign_ups_are_spread_over_a_year(users: list[tuple[Persona, list[Event]]]) -> None:
    dates = [_sign_up(life)["timestamp"] for _, life in users]
    months = Counter((NOW - date).days // 30 for date in dates)
    assert len(months) >= 12
    assert min(months[month] for month in range(12)) > 10
    assert min(dates) > NOW - timedelta(days=366)
    assert any(NOW - date < timedelta(days=7) for date in dates)


def test_few_come_often_and_most_seldom(users: list[tuple[Persona, list[Event]]]) -> None:
    numbers = sorted((len(life) for _, life in users), reverse=True)
    assert numbers[0] > 10 * numbers[len(numbers) // 2]


def test_some_are_here_now_however_few_there_are(
    everybody: list[tuple[Persona, list[Event]]],
) -> None:
    online = [life for _, life in everybody if NOW - _last_seen(life) < timedelta(minutes=5)]
    assert 10 < len(online) < 60
    assert any(NOW - _last_seen(life) < timedelta(minutes=5) for _, life in everybody[:5])


def test_they_live_in_many_countries_and_their_addresses_lead_there(
    everybody: list[tuple[Persona, list[Event]]],
) -> None:
    assert len({persona.country.code for persona, _ in everybody}) >= 25
    geo = GeoDatabase.open()
    for country in countries():
        for prefix in country.prefixes:
            network = ipaddress.ip_network(prefix)
            step = network.num_addresses // 16
            for start in range(0, network.num_addresses, step):
                place = geo.locate(str(network[start + step // 2]))
                assert place is not None, (country.code, prefix)
                assert place.country_code == country.code, (prefix, place)


def test_every_browser_is_one_that_regulars_knows_by_name() -> None:
    names = set()
    for browser in browsers():
        for version in browser.versions:
            header = browser.header.replace("{v}", version)
            agent = user_agent.parse(header)
            assert agent.browser, header
            assert agent.os, header
            assert (agent.device in {"mobile", "tablet"}) is browser.on_phone
            assert not bots.is_bot(header)
            names.add(agent.browser)
    assert {"Chrome", "Firefox", "Safari", "Edge", "Opera", "Samsung Internet"} <= names


def test_mail_to_them_reaches_nobody(everybody: list[tuple[Persona, list[Event]]]) -> None:
    for persona, _ in everybody:
        assert persona.email.endswith(("@example.com", "@example.org", ".example"))
        assert persona.email.isascii()


def test_events_are_in_order_and_never_later_than_now(
    everybody: list[tuple[Persona, list[Event]]],
) -> None:
    for _, life in everybody:
        times = [event["timestamp"] for event in life]
        assert times == sorted(times)
        assert times[-1] <= NOW
        for event in life:
            for value in event.get("traits", {}).values():
                assert not isinstance(value, datetime) or value <= NOW


def test_a_user_was_a_visitor_before(users: list[tuple[Persona, list[Event]]]) -> None:
    for persona, life in users:
        first = life[0]
        assert first["type"] == "page"
        assert "userId" not in first
        assert _sign_up(life)["userId"] == persona.user_id
        assert _sign_up(life)["anonymousId"] == first["anonymousId"]


def test_a_lead_has_an_address_and_no_user_id(
    everybody: list[tuple[Persona, list[Event]]],
) -> None:
    for persona, life in everybody:
        if persona.kind != "user":
            assert not [event for event in life if "userId" in event]
            addresses = [event["traits"]["email"] for event in life if event["type"] == "identify"]
            assert addresses == ([persona.email] if persona.kind == "lead" else [])


def test_some_came_by_a_campaign_and_some_bought(
    everybody: list[tuple[Persona, list[Event]]],
) -> None:
    events = [event for _, life in everybody for event in life]
    assert {"newsletter", "search", "pictures"} == {
        part.removeprefix("utm_source=")
        for event in events
        for part in event["context"]["page"]["search"].lstrip("?").split("&")
        if part.startswith("utm_source=")
    }
    assert len([event for event in events if event.get("event") == "Order Completed"]) > 100
    assert [event for event in events if event["type"] == "group"]


def test_the_same_seed_is_the_same_story() -> None:
    assert list(lives(range(20), WORLD)) == list(lives(range(20), WORLD))
    other = World(seed=8, now=NOW, base_url=WORLD.base_url)
    ids = {persona.user_id for persona, _ in lives(range(50), WORLD)}
    assert not ids & {persona.user_id for persona, _ in lives(range(50), other)}


# Sending


class Api:
    """A tracking API that takes what it is sent, once it has answered what it was told to."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.taken: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.lock = threading.Lock()
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str]]:
        with self.lock:
            status, headers = self.answers.pop(0) if self.answers else (200, {})
            if status == 200:
                self.paths.append(path)
                self.sizes.append(len(body))
                self.taken.append(json.loads(body))
            return status, headers

    @property
    def events(self) -> list[Event]:
        return [event for body in self.taken for event in body["batch"]]


@pytest.fixture
def api() -> Iterator[Api]:
    with _serving(Api()) as serving:
        yield serving


@contextmanager
def _serving(api: Api) -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers = api.answer(self.path, body)
            if status == 0:
                # Hangs up without a word.
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "2"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Nothing to be said."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def _run(api: Api, people: int = 60) -> tuple[population.Report, list[tuple[int, int]]]:
    heard: list[tuple[int, int]] = []
    report = population.run(
        people,
        api.url + "/",
        "wk_demo",
        lambda done, of: heard.append((done, of)),
        now=NOW,
        seed=7,
    )
    return report, heard


def test_all_of_it_arrives_by_the_browsers_path(api: Api) -> None:
    report, heard = _run(api)
    assert set(api.paths) == {"/v1/b"}
    assert {body["writeKey"] for body in api.taken} == {"wk_demo"}
    assert report.people == 60
    assert report.events == len(api.events) == len({e["messageId"] for e in api.events})
    assert (heard[0], heard[-1]) == ((0, 60), (60, 60))
    assert max(api.sizes) < 500_000
    assert max(len(body["batch"]) for body in api.taken) <= 2500
    first = api.events[0]
    assert first["context"]["ip"]
    assert first["context"]["userAgent"]
    assert datetime.fromisoformat(first["timestamp"]) <= NOW


def test_an_overloaded_or_restarting_server_is_waited_for(api: Api) -> None:
    api.answers += [(429, {"Retry-After": "1"}), (503, {}), (0, {})]
    report, _ = _run(api, people=30)
    assert report.people == 30
    assert report.events == len({event["messageId"] for event in api.events})


def test_a_wrong_key_is_said_at_once(api: Api) -> None:
    api.answers += [(401, {})] * 10
    with pytest.raises(population.RefusedError, match="401"):
        _run(api)


def test_no_people_is_nothing(api: Api) -> None:
    report, heard = _run(api, people=0)
    assert (report.people, report.events, api.taken) == (0, 0, [])
    assert heard == [(0, 0)]
