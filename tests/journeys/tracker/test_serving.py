"""How the scripts themselves are served."""

import gzip
from http.client import HTTPConnection, HTTPResponse

import pytest

from regulars.public import tracker

from .recorder import APP_ID, WRITE_KEY, Recorder


def _get(
    server: Recorder, path: str, method: str = "GET", **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_the_tracker_is_smaller_than_three_kilobytes() -> None:
    assert len(tracker.tracker_script().gzipped) < 3000


def test_comments_are_left_at_home(server: Recorder) -> None:
    _, body = _get(server, "/t.js")
    text = body.decode()
    assert "/*" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("//")]
    assert "globalPrivacyControl" in text


def test_it_is_compressed_for_who_can_read_it(server: Recorder) -> None:
    plain, body = _get(server, "/t.js", Accept_Encoding="gzip;q=0, br")
    packed, small = _get(server, "/t.js", Accept_Encoding="br, gzip;q=0.8")
    assert plain.headers["content-encoding"] is None
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(small) == body
    assert len(small) < len(body)


@pytest.mark.parametrize("path", ["/t.js", f"/t.js?k={WRITE_KEY}", f"/interakt/{APP_ID}.js"])
def test_a_browser_that_has_it_is_told_so(server: Recorder, path: str) -> None:
    first, _ = _get(server, path)
    again, body = _get(server, path, If_None_Match=str(first.headers["etag"]))
    assert first.status == 200
    assert (again.status, body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    changed, _ = _get(server, path, If_None_Match='W/"another"')
    assert changed.status == 200


@pytest.mark.parametrize("path", ["/t.js", f"/interakt/{APP_ID}.js"])
def test_any_page_may_load_it(server: Recorder, path: str) -> None:
    answer, _ = _get(server, path)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert answer.headers["vary"] == "Accept-Encoding"


def test_head_says_what_get_would(server: Recorder) -> None:
    got, body = _get(server, "/t.js")
    asked, nothing = _get(server, "/t.js", method="HEAD")
    assert (asked.status, nothing) == (200, b"")
    assert asked.headers["content-length"] == str(len(body)) == got.headers["content-length"]


def test_it_is_only_for_reading(server: Recorder) -> None:
    answer, _ = _get(server, "/t.js", method="POST")
    assert answer.status == 405


def test_an_interakt_script_carries_its_projects_key(server: Recorder) -> None:
    _, body = _get(server, f"/interakt/{APP_ID}.js")
    assert f'"{WRITE_KEY}"'.encode() in body
    assert b"__WRITE_KEY__" not in body
    assert body.endswith(tracker.tracker_script().plain)


@pytest.mark.parametrize(
    "app_id", ["nobody", "0192f3a0-0000-7000-8000-000000000002", "a%22b", "%00", "a" * 300]
)
def test_a_project_that_is_not_there_has_no_script(server: Recorder, app_id: str) -> None:
    answer, body = _get(server, f"/interakt/{app_id}.js")
    assert answer.status == 404
    assert b"<" not in body


def test_a_key_that_could_leave_its_string_is_not_served() -> None:
    with pytest.raises(ValueError, match="write key"):
        tracker.interakt_script('a"+alert(1)+"')


def test_without_the_database_it_asks_to_come_again(server: Recorder) -> None:
    server.database_is_away = True
    answer, _ = _get(server, f"/interakt/{APP_ID}.js")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    plain, _ = _get(server, "/t.js")
    assert plain.status == 200
