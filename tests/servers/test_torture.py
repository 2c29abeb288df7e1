"""The torture in small: a few runs killed at random on real servers, others stopped beyond their lease; rows exact."""

from __future__ import annotations

import pytest

from benchmarks.torture import torture
from tests.servers.cache import NoServerError


@pytest.mark.timeout(1800)  # the servers may have to be built first
def test_ten_kills() -> None:
    try:
        found = torture(kills=10, seed=7, files=40)
    except NoServerError as error:
        pytest.skip(str(error))
    assert found.kills >= 10
    assert found.problems == ()
    assert (found.verdict.rows, found.verdict.duplicates) == (found.verdict.expected, 0)
    assert found.verdict.expected > 0
