"""What stays on one worker, because it shares a slow beginning: a file, as a rule.

pytest-xdist has marks for what is to stay together (``--dist loadgroup``). Its version 3.8 ignores
them beside pytest 9.2.
"""

import re

import pytest

# It is built once for these.
SITE = tuple(f"tests/site/test_{name}.py" for name in ("build", "controls", "stay"))
ALONE = "test_every_control.py"  # there each test begins anew, and takes long
PAGE = re.compile(r"\[(?:.*-)?((?:lab|voila) (?:dark|light))\]$")  # each is opened for many tests


def scope(nodeid: str) -> str:
    """The name of all that goes to the same worker as this test."""
    file = nodeid.partition("::")[0]
    if file in SITE:
        return "the site"
    if file.endswith(ALONE):
        return nodeid
    page = PAGE.search(nodeid)
    return f"{file} {page[1]}" if page else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return scope(nodeid)

    return Scheduling(config, log) if config.option.dist == "loadfile" else None
