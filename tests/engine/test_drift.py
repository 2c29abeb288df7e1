"""The cases of `make drift`, without the content's: tests/components/test_wheels.py has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.drift import STORY, Place, no_change, one_byte, opened


def _wrong(story: tuple[Callable[[Place], None], ...], *, engine: bool) -> list[str]:
    with opened(engine=engine) as place:
        for part in story:
            part(place)
        assert place.cases
        return [f"{case.name}: {case.expected} expected, found {case.found}" for case in place.cases if case.wrong]


def test_nothing_changes_but_what_has_changed() -> None:
    assert _wrong(STORY, engine=False) == []


@pytest.mark.engine
def test_the_engine_sees_it_so_too() -> None:
    assert _wrong((no_change, one_byte), engine=True) == []
