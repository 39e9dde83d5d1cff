"""Segment's published clients for servers deliver every event exactly once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from segment.analytics import request
from segment.analytics.client import Client

from tests.conformance.conftest import Shop, with_node
from tests.conformance.proxy import Line

MANY = 40


def _python(shop: Shop, host: str, *, gzip: bool) -> list[str]:
    """What a shop's server sends with segment-analytics-python; the message ids."""
    failures: list[Any] = []
    client = Client(
        shop.key,
        host=host,
        gzip=gzip,
        upload_size=15,
        upload_interval=0.1,
        on_error=lambda error, _batch: failures.append(error),
    )
    device = {"anonymous_id": "pat-device"}
    traits = {"email": "pat@example.com", "name": "Pat Doe", "plan": "pro"}
    calls = [
        client.page(**device, name="Home", properties={"url": "https://shop.example/"}),
        client.track(**device, event="Looked Around"),
        client.identify("pat", traits=traits, **device),
        client.screen("pat", name="Basket"),
        client.group("pat", "acme", {"name": "Acme"}),
        client.alias("pat-before", "pat"),
        *(client.track("pat", "Order Completed", {"number": n}) for n in range(MANY)),
    ]
    client.shutdown()
    request._session.close()
    assert failures == []
    return [message["messageId"] for _, message in calls]


def _node(shop: Shop, host: str, clients: Path) -> list[str]:
    """What a shop's server sends with @segment/analytics-node; the message ids."""
    done = subprocess.run(
        ["node", "node.mjs", host, shop.key, "pat", str(MANY)],
        cwd=clients,
        env=with_node(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["failures"] == []
    ids: list[str] = said["ids"]
    return ids


def _pat_is_one_person(shop: Shop) -> None:
    pat = shop.person("pat")
    assert (pat["kind"], pat["email"], pat["name"]) == ("user", "pat@example.com", "Pat Doe")
    assert pat["plan"] == "pro"
    assert shop.owner_of("pat-device") == pat["id"]
    assert pat["events"] == MANY + 6
    assert shop.kinds() == {"page", "track", "identify", "screen", "group", "alias"}


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_the_python_client_delivers_everything_once(shop: Shop, gzip: bool) -> None:
    shop.holds_exactly(_python(shop, shop.up.url, gzip=gzip))
    _pat_is_one_person(shop)


def test_the_python_client_may_repeat_what_was_stored(shop: Shop) -> None:
    with Line(shop.up.port, cuts=2) as broken:
        sent = _python(shop, broken.url, gzip=False)
        assert broken.cut == 2
    shop.holds_exactly(sent)
    _pat_is_one_person(shop)


def test_the_node_client_delivers_everything_once(shop: Shop, clients: Path) -> None:
    shop.holds_exactly(_node(shop, shop.up.url, clients))
    _pat_is_one_person(shop)


def test_the_node_client_may_repeat_what_was_stored(shop: Shop, clients: Path) -> None:
    with Line(shop.up.port, cuts=3) as broken:
        sent = _node(shop, broken.url, clients)
        assert broken.cut == 3
    shop.holds_exactly(sent)
    _pat_is_one_person(shop)
