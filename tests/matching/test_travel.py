"""Minutes by road come from a router that is set and answers in time; else nothing is known, and nobody waits."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from core.errors import Invalid
from matching import travel
from matching.travel import Router, router, seconds

HERE, THERE = (120.0, 30.0), [(120.1, 30.0), (120.3, 30.0), (120.1, 30.0)]


@pytest.fixture
def served():
    """Serve what OSRM and Valhalla answer, 60 s for each hundredth of a degree; `say` turns it wrong."""
    travel._kept.forget()
    state = {"say": "well", "asked": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            points = [[float(one) for one in pair.split(",")] for pair in self.path.partition("?")[0].rpartition("/")[2].split(";")]
            durations = [round((lon - points[0][0]) * 6000) for lon, _ in points[1:]]
            self.answer({"code": "Ok", "durations": [durations], "distances": [durations]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            start = body["sources"][0]["lon"]
            rows = [{"time": round((one["lon"] - start) * 6000), "distance": 1.0} for one in body["targets"]]
            self.answer({"sources_to_targets": [rows]})

        def answer(self, body):
            state["asked"] += 1
            if state["say"] == "slow":
                time.sleep(0.6)
            status = {"busy": 503, "broken": 500, "refused": 400}.get(state["say"], 200)
            text = b"<html>" if state["say"] == "nonsense" else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    state["url"] = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    travel._kept.forget()


@pytest.mark.parametrize("kind", travel.KINDS)
def test_seconds_come_from_the_router_and_are_asked_once(served, kind):
    service = Router(kind, served["url"])
    assert seconds(service, HERE, THERE) == [600.0, 1800.0, 600.0]
    assert seconds(service, (120.0001, 30.0), THERE) == [600.0, 1800.0, 600.0]
    assert served["asked"] == 1


@pytest.mark.filterwarnings("ignore:Server down")
@pytest.mark.parametrize("say", ["busy", "broken", "refused", "nonsense", "slow"])
def test_a_router_that_does_not_answer_is_left_alone_for_a_while(served, say, monkeypatch):
    monkeypatch.setattr(travel, "TIMEOUT_S", 0.2)
    travel._client.cache_clear()
    served["say"] = say
    service = Router("osrm", served["url"])
    assert seconds(service, HERE, THERE) == [None] * 3
    assert seconds(service, HERE, THERE) == [None] * 3
    assert served["asked"] == 1
    travel._client.cache_clear()


def test_without_a_router_nothing_is_known():
    assert seconds(Router(), HERE, THERE) == [None] * 3


@pytest.mark.parametrize("given", ["ftp://x", "osrm+nothing", "valhalla+", "x"])
def test_a_setting_that_is_no_address_is_refused_by_its_name(given):
    with pytest.raises(Invalid) as refused:
        router(given)
    assert refused.value.field == "ROUTER_URL"
