"""`GET /v1/projects/<writeKey>/settings`: what the browser SDK fetches at start."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from regulars.kit import environment
from regulars.public.projects import Projects
from regulars.public.sdk_settings import SdkSettings
from regulars.workspaces.keys import ProjectConfig
from tests.slices.public.served import Api


def _ask(url: str, key: str, method: str = "GET", **headers: str) -> httpx.Response:
    with httpx.Client() as client:
        return client.request(method, f"{url}/v1/projects/{key}/settings", headers=headers)


def _segment(answer: httpx.Response) -> Any:
    return answer.json()["integrations"]["Segment.io"]


def test_events_go_where_the_settings_were_asked(api: Api) -> None:
    answer = _ask(api.url, api.site.write_key, Host="stats.example.com:8443")
    assert answer.status_code == 200
    assert _segment(answer)["apiKey"] == api.site.write_key
    assert _segment(answer)["apiHost"] == "stats.example.com:8443/v1"
    assert _segment(answer)["protocol"] == "http"


def test_a_trusted_proxy_says_that_the_outside_speaks_https(api: Api) -> None:
    answer = _ask(api.url, api.site.write_key, **{"X-Forwarded-Proto": "https"})
    assert _segment(answer)["protocol"] == "https"


def test_an_ipv6_address_is_a_host(api: Api) -> None:
    answer = _ask(api.url, api.site.write_key, Host="[::1]:8000")
    assert _segment(answer)["apiHost"] == "[::1]:8000/v1"


@pytest.mark.parametrize("host", ["evil.example/path", "a b", "user@evil.example", ""])
def test_what_is_no_host_is_not_repeated(api: Api, host: str) -> None:
    answer = _ask(api.url, api.site.write_key, Host=host)
    base = urlsplit(environment.read().base_url)
    assert _segment(answer)["apiHost"] == f"{base.netloc}/v1"


def test_a_secure_page_is_told_to_send_securely(api: Api) -> None:
    far = {"Host": "stats.example.com", "Origin": "https://shop.example"}
    assert _segment(_ask(api.url, api.site.write_key, **far))["protocol"] == "https"


def test_a_secure_page_may_ask_its_own_machine_in_the_clear(api: Api) -> None:
    near = {"Origin": "https://shop.example"}
    assert _segment(_ask(api.url, api.site.write_key, **near))["protocol"] == "http"


def test_the_sdk_loads_nothing_else_and_calls_nobody_else(api: Api) -> None:
    said = _ask(api.url, api.site.write_key).json()
    assert list(said["integrations"]) == ["Segment.io"]
    assert said["remotePlugins"] == []
    assert said["metrics"] == {"sampleRate": 0}
    assert not said["legacyVideoPluginsEnabled"]
    assert said["plan"]["track"]["__default"]["enabled"]


def test_any_origin_may_read_it(api: Api) -> None:
    answer = _ask(api.url, api.site.write_key, Origin="https://shop.example")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_preflight_is_answered(api: Api) -> None:
    answer = _ask(api.url, api.site.write_key, "OPTIONS", Origin="https://shop.example")
    assert answer.status_code == 204
    assert "GET" in answer.headers["access-control-allow-methods"]


def test_no_shared_cache_gives_one_hosts_answer_to_another(api: Api) -> None:
    assert "private" in _ask(api.url, api.site.write_key).headers["cache-control"]


@pytest.mark.parametrize("key", ["wk_nobody", "%00", "%ff", "k" * 5000])
def test_an_unknown_key_is_not_found(api: Api, key: str) -> None:
    answer = _ask(api.url, key)
    assert answer.status_code == 404
    assert answer.json() == {"code": "unknown_key", "message": "No project has this write key."}
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_secret_key_is_no_write_key(api: Api) -> None:
    assert _ask(api.url, api.secret_key).status_code == 404


def test_it_is_only_to_be_read(api: Api) -> None:
    assert _ask(api.url, api.site.write_key, "POST").status_code == 405


class _AwayProjects(Projects):
    async def by_write_key(self, key: str) -> ProjectConfig | None:
        raise psycopg.OperationalError(f"the database is away: nobody knows {key}")


def test_while_the_database_is_away_it_says_when_to_come_back() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "method": "GET",
        "path": "/v1/projects/wk_any/settings",
        "scheme": "http",
        "headers": [(b"host", b"localhost")],
    }
    asyncio.run(SdkSettings(_AwayProjects(), "http://localhost")(scope, send))
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
