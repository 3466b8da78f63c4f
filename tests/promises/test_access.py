"""The access table and the routes are the same set: no route without a line, no line without a route."""

from app.access import ACCESS, unlisted
from tests.app.conftest import make_settings


def test_every_route_has_a_line_and_every_line_a_route(connection):
    from app import create_app

    app = create_app(make_settings(), engine=connection)
    routes = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert unlisted(app) == set()
    assert ACCESS.keys() - routes == set(), "lines without a route"
