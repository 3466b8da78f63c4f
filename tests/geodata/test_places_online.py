"""A geocoder on the network is asked only where one is set; its answers are judged like our own. The peer here is on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from sqlalchemy import text

from geodata.crs import from_wgs84
from geodata.places import Geocoded
from geodata.places_online import Service, ask_online, found_location
from tests import factories

SQUARE = "SRID=4326;MULTIPOLYGON(((119.5 30.7,120.2 30.7,120.2 31.2,119.5 31.2,119.5 30.7)))"
HERE = {"lat": "31.01", "lon": "119.91", "display_name": "金陵路1号, 长兴县", "addresstype": "building"}
AWAY = {"lat": "28.10", "lon": "121.20", "display_name": "金陵路1号, 别处", "addresstype": "building"}


class Peer(BaseHTTPRequestHandler):
    """Answers as Nominatim does, by what is asked."""

    asked: ClassVar[list[str]] = []
    answers: ClassVar[dict[str, list]] = {}

    def do_GET(self):
        address = parse_qs(urlsplit(self.path).query)["q"][0]
        self.asked.append(address)
        body = json.dumps(self.answers.get(address, [])).encode() if address != "坏" else b"<html>"
        self.send_response(200 if address != "忙" else 429)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture
def peer():
    Peer.asked, Peer.answers = [], {"一处": [HERE], "两处": [HERE, {**HERE, "lat": "31.02"}], "别处": [AWAY]}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Service("nominatim", f"http://127.0.0.1:{server.server_port}", timeout_s=5, pause_s=0)
    server.shutdown()
    server.server_close()


@pytest.fixture
def county(session):
    factories.region(session, "330522", name_zh="长兴县")
    session.execute(text("UPDATE region SET geom = :shape WHERE adcode = '330522'"), {"shape": SQUARE})


def known(address):
    return Geocoded(address, "330522", 119.8, 31.0, "county", name="浙江省湖州市长兴县")


def test_nobody_is_asked_unless_a_service_is_set_or_the_point_is_exact(session, peer):
    assert ask_online(session, known("一处"), Service()) == known("一处")
    exact = Geocoded("一处", "330522", 119.8, 31.0, "point")
    assert ask_online(session, exact, peer) == exact
    assert Peer.asked == []


def test_one_answer_inside_the_stated_county_is_taken(session, county, peer):
    found = ask_online(session, known("一处"), peer)
    assert (found.adcode, found.lon, found.lat, found.precision, found.candidates) == ("330522", 119.91, 31.01, "point", ())


def test_several_answers_are_candidates_and_one_elsewhere_is_not_taken(session, county, peer):
    several = ask_online(session, known("两处"), peer)
    assert (several.adcode, several.precision, len(several.candidates)) == ("330522", "county", 2)
    assert ask_online(session, known("别处"), peer) == known("别处")


def test_an_answer_in_a_shifted_system_is_brought_to_wgs84(session, county):
    lon, lat = from_wgs84(np.array([[119.91, 31.01]]), "BD-09")[0]
    location = SimpleNamespace(longitude=lon, latitude=lat, address="金陵路1号", raw={"level": "building"})
    found = found_location(session, location, Service("baidu"))
    assert (found.adcode, found.precision) == ("330522", "point")
    assert (found.lon, found.lat) == pytest.approx((119.91, 31.01), abs=1e-8)


@pytest.mark.parametrize("address", ["忙", "坏"])
def test_a_service_in_trouble_changes_only_the_note(session, county, peer, address):
    found = ask_online(session, known(address), peer)
    assert found.note
    assert (found.adcode, found.lon, found.candidates) == ("330522", 119.8, ())


def test_a_service_that_is_gone_changes_only_the_note(session, county):
    found = ask_online(session, known("一处"), Service("nominatim", "http://127.0.0.1:9", timeout_s=1, pause_s=0))
    assert found.note
    assert found.adcode == "330522"
