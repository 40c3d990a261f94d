"""Pages: links that are right on the site, folded solutions, a front page of README."""

import json

import pytest

from ae_helpers.course import series
from ae_helpers.site import pages

FILES = "https://github.com/OWNER/sixty-four-numbers/blob/main/"


@pytest.mark.parametrize(
    ("written", "folder", "shown"),
    [
        ("[a](02_build_the_encoder.ipynb)", "notebooks", "[a](02_build_the_encoder.ipynb)"),
        ("[a](04_train_it.ipynb#The-cliff)", "notebooks", "[a](04_train_it.ipynb#The-cliff)"),
        ("[a](notebooks/04_train_it.ipynb)", ".", "[a](04_train_it.ipynb)"),
        ("![a](images/05.png)", "notebooks", "![a](images/05.png)"),
        ("[a](../CONTRIBUTING.md#x)", "notebooks", f"[a]({FILES}CONTRIBUTING.md#x)"),
        ("[a](tables/cliff.csv)", "notebooks", f"[a]({FILES}notebooks/tables/cliff.csv)"),
        ("[a](experiment.ipynb)", "notebooks", f"[a]({FILES}notebooks/experiment.ipynb)"),
        ("[a](#here), [b](https://x.org/y)", "notebooks", "[a](#here), [b](https://x.org/y)"),
        ("[![a](https://x.org/y.svg)](https://x.org)", ".", "[a](https://x.org)"),
    ],
)
def test_links(written, folder, shown):
    assert pages.linked(written, folder) == shown


def test_solutions_are_folded_and_stored_outputs_stay():
    folded = 0
    for notebook in pages.sources():
        for cell in json.loads(pages.page(notebook))["cells"]:
            if "solution" in cell["metadata"].get("tags", []):
                folded += 1
                assert "hide-cell" in cell["metadata"]["tags"]
                assert cell["outputs"]
    assert folded > 30


def test_every_lesson_is_in_the_contents():
    text = pages.front_page()
    for notebook in [*series.find_lessons(), series.gallery()]:
        assert f"\n{notebook.stem}\n" in text
    assert text.startswith("# Sixty-Four Numbers")
