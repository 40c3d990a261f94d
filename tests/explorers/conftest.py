"""What the tests of explorers in a real browser share."""

import os

import pytest

from real_browser import NoBrowserError, chromium


@pytest.fixture(scope="module")
def browser():
    try:
        with chromium() as found:
            yield found
    except NoBrowserError as error:
        (pytest.fail if os.environ.get("AE_REQUIRE_BROWSER") else pytest.skip)(f"{error}")
