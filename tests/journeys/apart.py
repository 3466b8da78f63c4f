"""A world and a service of a file's own, for walks that spend its vouchers: import both fixtures by their names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.conftest import laid, serving


@pytest.fixture(scope="module")
def world_url(server_url: str, template_url: str) -> Iterator[str]:
    """Yield a world of this file's own: its vouchers are spent here."""
    with laid(server_url, template_url) as url:
        yield url


@pytest.fixture(scope="module")
def site(world_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the service on that world."""
    with serving(world_url, tmp_path_factory.mktemp("site")) as address:
        yield address
