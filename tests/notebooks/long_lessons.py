"""The longest notebooks: executed once, in ``make verify``, with all their controls moved.

nbval executes the others in ``make test``. For their controls they are executed once more, in
``make verify``, as readers do who choose other parameters and have no solutions
(``tests/explorers/test_every_control.py``). Of those named here nbval's own kernel moves the
controls, after the last cell.
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
# There is no page. nbval reads what is sent to it when the cell is done: too late for so much.
MOVE_ALL = f"""import sys
from ipykernel.comm import comm
comm.BaseComm.publish_msg = lambda *_, **__: None
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
