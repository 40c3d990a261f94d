"""The notebooks that take longest: executed once, in ``make verify``, with all their controls moved.

The others are executed by nbval in ``make test``, and once more in ``make verify``, as by readers who
choose other parameters and have no solutions, for their controls
(``tests/explorers/test_every_control.py``). Here nbval's own kernel moves them, after the last cell.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

LONG = {
    "04_train_it",
    "08_try_other_architectures",
    "11_use_it",
    "12_make_it_fast_make_it_big",
    "13_make_it_yours",
    "gallery",  # whose explorers `make test` moves without it
}
MOVE_ALL = f"""import sys
sys.path.append({str(Path(__file__).parents[1] / "explorers")!r})
import every_control
found = every_control.move_all()
assert found["problems"] == [] and found["explorers"] == {{explorers}}, found"""


def explorers_of(notebook: nbformat.NotebookNode) -> int:
    """How many explorers the cells of a notebook make."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return len(re.findall(r"\bwidgets\.\w+\(", "\n".join(code)))


@pytest.hookimpl(tryfirst=True)  # before it is chosen by marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the cells of long lessons, unless ``make test`` got the lesson's own name."""
    named = {Path(arg.partition("::")[0]).resolve() for arg in config.args}
    items[:] = [each for item in items for each in _and_controls(item)]
    for item in items:
        asked_for = item.path in named and config.option.markexpr == "not verify"
        if _is_long(item) and not asked_for:
            item.add_marker(pytest.mark.verify)
            item.add_marker(pytest.mark.long)
            item.add_marker(pytest.mark.xdist_group(item.path.stem))  # its cells share a kernel


def _is_long(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb" and item.path.stem in LONG


def _and_controls(item: pytest.Item) -> Iterator[pytest.Item]:
    yield item
    if _is_long(item):
        cells = [cell for cell in item.parent.nb.cells if cell.cell_type == "code"]
        if item.cell is cells[-1]:
            source = MOVE_ALL.format(explorers=explorers_of(item.parent.nb))
            new = {"cell_num": len(cells), "cell": nbformat.v4.new_code_cell(source)}
            options = defaultdict(bool)  # no stored outputs to compare with
            yield item.from_parent(item.parent, name="Controls", options=options, **new)
