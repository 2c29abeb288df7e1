"""Servers that are started once for all tests here, or the reason why they cannot be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.cache import NoServerError
from tests.servers.conformance.implementations import IMPLEMENTATIONS, Implementation


@pytest.fixture(scope="session", params=list(IMPLEMENTATIONS))
def implementation(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """Each implementation of AWS in turn."""
    try:
        with IMPLEMENTATIONS[request.param]() as started:
            yield started
    except NoServerError as error:
        pytest.skip(f"{request.param}: {error}")
