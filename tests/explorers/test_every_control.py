"""Every control of every notebook does what it should, at all its values, and says what fails.

nbval and papermill pass a control that fails only when it is moved. `every_control.py` does the
moving, here and after the last cell of the longest notebooks (`long_lessons.py`); it also has to
find what is planted.
"""

import html
import inspect
import json
import shutil
from pathlib import Path

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from PIL import Image

import test_real_browser
from ae_helpers import data, models, training, widgets
from ae_helpers.course import series
from ae_helpers.course.execute import execute_lesson
from ae_helpers.files import PROJECT
from ae_helpers.measures import baselines, pca
from ae_helpers.models import shipped, vae
from ae_helpers.widgets.controls import slider
from ae_helpers.widgets.explorer import Explorer
from ae_helpers.widgets.pictures import picture
from every_control import explorer_problems
from long_lessons import LONG, explorers_of


def shipped_training(*_):
    fields, originals, sticks = shipped.history()
    return widgets.time_machine(originals, training.History(**fields), sticks)


def picker(model, digits):
    directions = pca.principal_directions(digits.train_images)
    linear = {f"PCA-{k}": baselines.pca_network(directions, k) for k in (2, 16)}
    return widgets.architecture_picker({"backbone": model, **linear}, digits)


def thresholds(_, digits):
    unknown, ink = digits.test_labels == 9, digits.test_images.float().mean((1, 2, 3))
    return widgets.set_threshold({"bright": ink, "dark": -ink}, unknown, digits.test_images)


BUILD = {
    "architecture_picker": picker,
    "batch_mates": lambda _, digits: widgets.batch_mates(shipped.steady(), digits),
    "beta_slider": lambda _, digits: widgets.beta_slider(
        {0.1: vae.VAE(), 1.0: vae.VAE(4)}, digits.test_images
    ),
    "blend": lambda model, digits: widgets.blend(model, digits.test_images),
    "browse_digits": lambda _, digits: widgets.browse_digits(digits),
    "before_after": lambda model, digits: widgets.before_after(
        models.Autoencoder(), model, digits.test_images
    ),
    "damage_digit": lambda model, digits: widgets.damage_digit(
        {"backbone": model, "steady": shipped.steady()}, digits.test_images
    ),
    "dataset_browser": lambda _, digits: widgets.dataset_browser(
        {"digits": shipped.steady(), "coloured": shipped.shaped("coloured")},
        {"digits": digits, "coloured": data.coloured(digits)},
    ),
    "draw_digit": lambda model, digits: widgets.draw_digit(model, digits.test_images),
    "edit_kernel": lambda _, digits: widgets.edit_kernel(digits),
    "keep_k": widgets.keep_k,
    "latent_sliders": lambda model, digits: widgets.latent_sliders(model, digits.train_images),
    "layer_xray": lambda model, digits: widgets.layer_xray(model, digits.test_images),
    "set_threshold": thresholds,
    "size_rule": lambda *_: widgets.size_rule(28, 15, padding=1),
    "time_machine": shipped_training,
    "transposed_convolution": lambda *_: widgets.transposed_convolution(4, 3, stride=2),
    "vae_plane": lambda _, digits: widgets.vae_plane(vae.VAE(2), digits),
}


@pytest.fixture(params=BUILD)
def explorer(request, small):
    with torch.random.fork_rng():
        torch.manual_seed(0)  # for the network that is untrained
        return BUILD[request.param](shipped.backbone(), small)


def test_every_explorer_is_built():
    exported = {name for name, value in vars(widgets).items() if inspect.isfunction(value)}
    assert BUILD.keys() == exported, "BUILD says how to make each explorer of ae_helpers.widgets"


def test_an_explorer_is_driven_in_the_browser(explorer, request):
    name, title = request.node.callspec.params["explorer"], explorer.title
    driven = [start for start in test_real_browser.EXPLORERS if title.startswith(start)]
    assert driven, f"EXPLORERS of test_real_browser.py has the first words of each, as of {title!r}"
    assert hasattr(test_real_browser, f"test_{name}"), "test_real_browser.py has a test of each"


def test_an_explorer_answers_at_all_values_and_has_a_poster(explorer):
    assert list(explorer_problems(explorer)) == []
    assert all(panel.tooltip for panel in explorer.pictures.values())
    assert explorer._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize("name", ["blend", "keep_k", "latent_sliders", "layer_xray"])
def test_an_explorer_of_pictures_in_colour(name, small):
    explorer = BUILD[name](shipped.shaped("coloured"), data.coloured(small))
    next(control for control in explorer.controls.values() if hasattr(control, "max")).value = 1
    assert not explorer.errors and next(iter(explorer.shown.values())).mode == "RGB"


def test_an_error_in_an_explorer_is_shown_and_found(explorer):
    """Planted at the end of the last control."""
    name, control = list(explorer.controls.items())[-1]
    end, draw = getattr(control, "max", True), explorer.draw

    def planted(**values):
        if values[name] == end:
            raise RuntimeError(f"<{name}>")
        return draw(**values)

    explorer.draw = planted
    error = f"RuntimeError in planted: <{name}>"
    assert next(explorer_problems(explorer)) == f"{explorer.title} · {name}: {end}: {error}"
    assert f'role="alert">{html.escape(error)}</div>' in explorer._alert.value


def test_an_error_that_the_reader_is_not_shown(monkeypatch):
    def answer(self, _=None):
        try:
            self._draw()
        except ZeroDivisionError as error:
            self.errors.append(error)

    monkeypatch.setattr(Explorer, "_answer", answer)
    levels, pixels = {"level": slider("level", 0, 9, 3)}, {"pixel": picture("a pixel")}

    def draw(level):
        return {"pixel": Image.new("L", (1, 1), level)}, f"{1 / (level - 7)}"

    line = "Set it · level: 7: hidden from the reader: ZeroDivisionError('division by zero')"
    assert list(explorer_problems(Explorer("Set it", levels, pixels, draw))) == [line]


# ------------------------------------------------------------------------------------ in notebooks


LAST_CELL = f"""import json, sys
sys.path.append({str(Path(__file__).parent)!r})
import every_control
print(json.dumps(every_control.move_all()))"""


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """A function that executes a notebook as `execute` does, and gives what its controls do then.

    It runs from another folder than its own, for two epochs: the network is there to be looked at.
    And as a reader walks who has solved the exercises, without the solutions.
    """
    # To answer an Output widget, as that of `interact`, nbclient uses the socket on which it waits
    # for the cell to end, and may miss that.
    monkeypatch.setattr(NotebookClient, "handle_comm_msg", lambda *_: None)
    shutil.copytree(PROJECT / "notebooks" / "images", tmp_path / "images")

    def execute(notebook, name="planted.ipynb"):
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata.kernelspec = kernel
        notebook.cells = [
            cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])
        ]
        notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL))
        nbformat.write(notebook, tmp_path / name)
        parameters = {"epochs": 2, "seed": 3}
        result = execute_lesson(tmp_path / name, parameters, tmp_path / "out")
        assert not result.error, result.error
        cells = nbformat.read(tmp_path / "out" / name, as_version=4).cells
        return json.loads(cells[-1].outputs[-1].text.splitlines()[-1])

    return execute


@pytest.mark.verify
@pytest.mark.parametrize(
    "path",
    [
        path
        for path in series.find_lessons()
        if path.stem not in LONG and explorers_of(nbformat.read(path, as_version=4))
    ],
    ids=lambda path: path.stem,
)
def test_every_control_of_a_notebook(path, moved):
    """Those of the longest are moved where they are executed, once (``long_lessons.py``)."""
    notebook = nbformat.read(path, as_version=4)
    explorers = explorers_of(notebook)
    found = moved(notebook, path.name)
    assert [f"{path.name} · {line}" for line in found["problems"]] == []
    assert found["explorers"] == explorers


PLANTED = """
import itertools, sys
import ipywidgets
from PIL import Image
from ae_helpers.widgets.controls import slider
from ae_helpers.widgets.explorer import Explorer
from ae_helpers.widgets.pictures import picture
from ae_helpers.widgets.drawing import Pad

def explore(title, draw, buttons=None, level=None):
    controls = {"level": level or slider("level", 0, 9, 3)}
    return Explorer(title, controls, {"pixel": picture("a pixel")}, draw, buttons)

def grey(level, text="It is."):
    return {"pixel": Image.new("L", (1, 1), level)}, text

explore("A value", lambda level: grey(level) if level != 7 else 1 / 0)
explore("A button", grey, {"Fail": lambda: 1 / 0})
explore("A picture", lambda level: grey(5), {"Rest": lambda: None})
explore("A readout", lambda level: grey(level, "It is." * (level != 4)))
explore("A warning", lambda level: (level == 2 and print("careful", file=sys.stderr), grey(level))[1])
calls = itertools.count()
explore("A memory", lambda level: grey(next(calls)))
pad = Pad()
pad.on_msg(lambda _, steps, __: 1 / (steps.get("down", 0) + 1))
explore("A message", lambda level: grey(level[0] + level[140]), level=pad)
size = ipywidgets.IntSlider(min=0, max=100, description="size")
size.observe(lambda change: 1 / (change.new - 50), "value")
ipywidgets.interact(lambda x, y, z: 1 / (x - 4) if y == "a" and z else 0, x=(0, 5), y=["a", "b"], z=True)
ipywidgets.Text(description="name")
"""  # noqa: E501


def test_what_is_planted_is_found(moved):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PLANTED)])
    assert moved(notebook)["problems"] == [
        "A value · level: 7: ZeroDivisionError in <lambda>: division by zero",
        *3 * ["A button · Fail: click: ZeroDivisionError in <lambda>: division by zero"],
        "A picture · level: the picture never changes",
        "A picture · Rest: the picture never changes",
        "A readout · level: 4: the readout is empty",
        "A warning · level: 2: stderr: careful",
        "A memory · level: put back, it shows other pictures than before",
        "A message · level: down -1: ZeroDivisionError: division by zero",
        "IntSlider 'size': 50: ZeroDivisionError: division by zero",
        "IntSlider 'x': 4: ZeroDivisionError: division by zero",
        "Text 'name': nobody knows how to move it; teach tests/explorers/every_control.py",
    ]


def test_a_cell_that_needs_a_solution_is_found(moved):
    solution = nbformat.v4.new_code_cell("answer = 42", metadata={"tags": ["solution"]})
    cells = [solution, nbformat.v4.new_code_cell("print(answer)")]
    with pytest.raises(AssertionError, match="NameError: name 'answer' is not defined"):
        moved(nbformat.v4.new_notebook(cells=cells))
