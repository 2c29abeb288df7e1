"""Servers that are started once for all tests here, or the reason why they cannot be."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest

from tests.servers.cache import NoServerError
from tests.servers.conformance.implementations import IMPLEMENTATIONS, SERVICES, Implementation


@pytest.fixture(scope="session")
def started() -> Iterator[Callable[[str], Implementation]]:
    """Starts an implementation of AWS by its name, once for all tests, or skips."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def start(name: str) -> Implementation | NoServerError:
            try:
                found = stack.enter_context(IMPLEMENTATIONS[name]())
            except NoServerError as error:
                return error
            assert set(found.places) == set(SERVICES[name])
            return found

        def start_or_skip(name: str) -> Implementation:
            found = start(name)
            if isinstance(found, NoServerError):
                pytest.skip(f"{name}: {found}")
            return found

        yield start_or_skip
