"""Pages: links that are right there, folded solutions, places for explorers, a front page."""

import itertools
import json
import zlib

import ipywidgets
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from ae_helpers.course import series
from ae_helpers.files import PROJECT
from ae_helpers.site import exports, illustrations, live, pages

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


def test_a_lesson_says_at_its_top_that_its_cells_do_not_run():
    for notebook in pages.sources():
        first, second, *_ = json.loads(pages.page(notebook))["cells"]
        assert first["source"].startswith("# ")
        assert (second["source"] == pages.READING) == (notebook != series.gallery())


def test_every_lesson_is_in_the_contents():
    *_, last = json.loads(pages.front_page())["cells"]
    for name in [*(path.stem for path in pages.sources()), pages.BEYOND]:
        assert f"\n{name}\n" in last["source"]


def test_the_front_page_begins_with_what_makes_one_want_to_begin():
    opening, invitation, tried, first = json.loads(pages.front_page())["cells"]
    assert opening["source"].startswith("# Sixty-Four Numbers\n\n**Learn autoencoders")
    assert "images/05.png" in opening["source"]
    assert invitation["source"].startswith("## Draw a digit")
    assert 'data-explorer="draw_digit"' in json.dumps(tried).replace('\\"', '"')
    titles = [line[3:] for line in first["source"].splitlines() if line.startswith("## ")]
    assert titles == list(pages.FIRST)
    assert "Without installing anything: [Open in Binder](" in first["source"]


def test_readme_is_written_on_the_site_once_and_whole():
    front = ["".join(cell["source"]) for cell in json.loads(pages.front_page())["cells"]]
    text = "\n".join([*front, pages.beyond()])
    for line in pages.linked((PROJECT / "README.md").read_text(encoding="utf-8"), ".").splitlines():
        if len(line) > 40 and "|---" not in line and not line.startswith("[Open in"):
            assert text.count(line) >= 1, line
    for title in ("Start", "The lessons", "The result", "Credits"):
        assert text.count(f"## {title}\n") == 1


def test_a_front_page_without_its_parts_says_which(monkeypatch, refused):
    monkeypatch.setattr(pages, "FIRST", ("Start", "No such section"))
    with refused(LookupError, "'No such section'", "README.md", "gallery.ipynb"):
        pages.front_page()
    monkeypatch.undo()
    monkeypatch.setattr(pages, "TRIED", "no_such_explorer")
    with refused(LookupError, "'no_such_explorer'"):
        pages.front_page()


def test_the_texts_of_pictures_are_those_of_their_outputs():
    for notebook in pages.sources():
        content = json.loads(notebook.read_text(encoding="utf-8"))
        assert None not in illustrations.alternatives(content), notebook.name


def hooks(notebook):
    """The places for explorers in a page, each as its HTML, with the output before it."""
    for cell in json.loads(pages.page(notebook))["cells"]:
        outputs = cell.get("outputs", [])
        for before, output in itertools.pairwise(outputs):
            if "ae-live" in (text := "".join(output.get("data", {}).get("text/html", ""))):
                yield BeautifulSoup(text, "html.parser").div, before


def test_behind_its_poster_is_the_place_where_an_explorer_lives():
    names = [hook["data-explorer"] for hook, _ in hooks(series.gallery())]
    assert sorted(names) == sorted(exports.EXPORTS)
    for hook, before in hooks(series.gallery()):
        assert "image/png" in before["data"]
        assert "data-start" not in hook.attrs  # there it starts as in Python
        assert not hook.select(".ae-live-note")


def test_an_explorer_starts_as_its_lesson_calls_it_or_says_what_it_works_with():
    of_lesson = [hook for hook, _ in hooks(series.find_lessons()[2])]
    starts = [json.loads(hook.get("data-start", "null")) for hook in of_lesson]
    rule = starts[[hook["data-explorer"] for hook in of_lesson].index("size_rule")]
    assert {name: each["value"] for name, each in rule.items()} == {
        "n": 16, "kernel_size": 3, "stride": 2, "padding": 1, "row": 3, "column": 3
    }  # fmt: skip
    assert rule["row"]["max"] == 7
    for hook, start in zip(of_lesson, starts, strict=True):
        assert bool(hook.select(".ae-live-note")) == (start is None)


def test_what_pages_do_not_have_keeps_its_poster():
    assert live.called_in("widgets.size_rule(n, k)") == ("size_rule", None)
    assert live.called_in("x = widgets.no_such(1)") is None
    with pytest.raises(TypeError, match="'name' is a Text.*controls.js"):
        live._control("name", ipywidgets.Text())


def test_an_array_is_written_once_for_all_explorers(tmp_path):
    images = torch.arange(20_000).to(torch.uint8).view(2, 100, 100)
    content = {"many": images, "few": torch.tensor([1, 2]), "some": [images[:1, :2], {"b": b"x"}]}
    for name in ("first", "second"):
        live.write_content(tmp_path, name, content)
    read = json.loads((tmp_path / "first.json").read_text())
    file, kind, offset, shape = read["many"]["tensor"]
    assert [path.name for path in tmp_path.glob("files/*")] == [file.removeprefix("files/")]
    assert zlib.decompress((tmp_path / file).read_bytes()) == images.numpy().tobytes()
    assert (kind, offset, shape) == ("uint8", 0, [2, 100, 100])
    file, kind, offset, shape = read["few"]["tensor"]
    numbers = zlib.decompress((tmp_path / file).read_bytes())
    assert np.frombuffer(numbers, f"<{kind[0]}4", 2, offset).tolist() == [1, 2]
    with pytest.raises(ValueError, match="less than 2³¹"):
        live.write_content(tmp_path, "third", {"large": torch.tensor([2**31])})
