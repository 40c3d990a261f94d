"""Explorers that live in a page: what they are, and their data, written for its JavaScript.

An explorer is defined once, in Python. The build runs the gallery's cells on the offline sample,
keeps what each explorer is called with, and writes for each ``NAME.json``: its ``definition``, and
the data that ``exports.EXPORTS[NAME]`` makes of the arguments. Arrays and pictures are files beside
it, arrays little endian and deflated, for many servers don't compress what they send; what several
explorers use is written once.
"""

import ast
import contextlib
import hashlib
import inspect
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import ipywidgets
import matplotlib
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ae_helpers import data as datasets
from ae_helpers import widgets
from ae_helpers.course import series
from ae_helpers.plots import style
from ae_helpers.site import exports, networks
from ae_helpers.widgets.drawing import Pad
from ae_helpers.widgets.explorer import CSS, Explorer
from ae_helpers.widgets.kernels import KernelFields
from ae_helpers.widgets.pictures import ClickablePicture, width_of

TRAIN, TEST = 1_000, 500  # digits of the sample that the pages have
OWN = 16_384  # bytes from which on an array is a file of its own, which explorers share
CALL = re.compile(r"widgets\.(\w+)\(")
COLOURMAPS = ("Oranges", "RdBu_r", "viridis")
MODULES = {"clickable.js": ClickablePicture, "drawing.js": Pad, "kernels.js": KernelFields}


# ------------------------------------------------------------------------------- what they are


def definition(explorer: Explorer) -> dict:
    """All that a page must know of an explorer but how it computes and draws.

    Raises:
        TypeError: a control of a kind that ``controls.js`` doesn't have.
    """
    return {
        "title": explorer.title,
        "hint": explorer.hint,
        "controls": [
            {"name": name, **_control(name, control)} for name, control in explorer.controls.items()
        ],
        "panels": [{"name": name, **_panel(panel)} for name, panel in explorer.pictures.items()],
        "buttons": list(explorer.buttons),
        "across": explorer.across,
    }


def _control(name: str, control: ipywidgets.Widget) -> dict:
    said = {"label": control.description, "classes": list(control._dom_classes)}
    if isinstance(control, (ipywidgets.IntSlider, ipywidgets.FloatSlider)):
        ends = {key: getattr(control, key) for key in ("min", "max", "step", "value")}
        whole = isinstance(control, ipywidgets.IntSlider)
        return {"kind": "slider", **said, **ends, "whole": whole}
    if isinstance(control, (ipywidgets.Dropdown, ipywidgets.SelectionSlider)):
        kind = "choice" if isinstance(control, ipywidgets.Dropdown) else "stops"
        named = list(zip(control._options_labels, control._options_values, strict=True))
        return {"kind": kind, **said, "options": named, "value": control.value}
    if isinstance(control, ipywidgets.Checkbox):
        return {"kind": "switch", **said, "value": control.value}
    for module, its_class in MODULES.items():
        if isinstance(control, its_class):
            names = {"value", "description", "picture"} & set(control.traits(sync=True))
            state = {key: getattr(control, key) for key in sorted(names)}
            return {"kind": "module", **said, "module": module, "state": state}
    raise TypeError(
        f"The control {name!r} is a {type(control).__name__}; expected a slider, a list, a box to "
        "tick or a module that pages have. Teach it to live.py and to controls.js."
    )


def _panel(panel: ipywidgets.DOMWidget) -> dict:
    height = re.match(r"min\((\d+)px", panel.layout.height or "")
    return {
        "alt": panel.tooltip,
        "width": width_of(panel),
        "height": int(height[1]) if height else None,
        "smooth": "ae-smooth" in panel._dom_classes,
        "clickable": isinstance(panel, ClickablePicture),
    }


@dataclass(frozen=True)
class Call:
    """An explorer, and the arguments by name that its function was called with."""

    explorer: Explorer
    arguments: dict[str, object]


def gallery_calls() -> dict[str, Call]:
    """Run the gallery's cells on the offline sample; the explorers by their functions' names."""
    calls: dict[str, Call] = {}
    sample = datasets.load(folder="sample").take(TRAIN, TEST)
    cells = json.loads(series.gallery().read_text(encoding="utf-8"))["cells"]
    with contextlib.ExitStack() as patches, torch.random.fork_rng():
        patches.enter_context(mock.patch.object(datasets, "load", lambda name: sample))
        for name, function in _explorers():
            keeping = _keeping(name, function, calls)
            patches.enter_context(mock.patch.object(widgets, name, keeping))
        namespace: dict = {}
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), namespace)
    return calls


def _explorers() -> Iterator[tuple[str, Callable[..., Explorer]]]:
    for name, function in vars(widgets).items():
        if inspect.isfunction(function):
            yield name, function


def _keeping(name: str, function: Callable[..., Explorer], calls: dict[str, Call]) -> Callable:
    def called(*args, **kwargs) -> Explorer:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        calls[name] = Call(function(*args, **kwargs), bound.arguments)
        return calls[name].explorer

    return called


def called_in(source: str) -> tuple[str, dict | None] | None:
    """The explorer that the code of a cell shows last, if pages have it, and how it starts.

    Returns:
        Its name and what differs from the gallery's: for each control the ends and the value. None
        where that can't be told without running the code: there it starts as in the gallery.
    """
    names = [name for name in CALL.findall(source) if name in exports.EXPORTS]
    if not names:
        return None
    name = names[-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"widgets.{name}":
            with contextlib.suppress(ValueError):
                args = [ast.literal_eval(arg) for arg in node.args]
                kwargs = {f"{word.arg}": ast.literal_eval(word.value) for word in node.keywords}
                own = definition(getattr(widgets, name)(*args, **kwargs))["controls"]
                keys = ("min", "max", "value")
                return name, {each["name"]: {key: each[key] for key in keys} for each in own}
    return name, None


# ------------------------------------------------------------------------------ what is written


def write(folder: Path) -> dict[str, Call]:
    """Write all that the modules in ``static/live`` load, beside them; return the gallery's calls.

    Raises:
        LookupError: an explorer that pages have isn't in the gallery.
    """
    write_modules(folder)
    calls = gallery_calls()
    if missing := exports.EXPORTS.keys() - calls.keys():
        raise LookupError(
            f"The gallery doesn't show {', '.join(sorted(missing))}; expected each explorer of "
            "exports.EXPORTS. Add a cell to gallery.ipynb, or take the export away."
        )
    with torch.inference_mode():
        for name, export in exports.EXPORTS.items():
            shown = definition(calls[name].explorer)
            data = export(**calls[name].arguments)
            write_content(folder, name, {"definition": shown, "data": data})
    return calls


def write_modules(folder: Path) -> None:
    """Write what pages and JupyterLab have in common: constants, widgets' modules and style."""
    (folder / "constants.js").write_text(constants(), encoding="utf-8")
    (folder / "explorer.css").write_text(CSS, encoding="utf-8")
    for module, its_class in MODULES.items():
        (folder / module).write_text(str(its_class._esm), encoding="utf-8")


def constants() -> str:
    """A module of what Python and the pages have in common."""
    tables = {}
    for name in COLOURMAPS:
        colours = matplotlib.colormaps[name](range(256), bytes=True)[:, :3]
        tables[name] = colours.tobytes().hex()
    names = ("BLUE", "ORANGE", "GREEN", "VERMILION", "PURPLE", "SKY", "ERROR_MAX")
    values = {name: getattr(style, name) for name in names} | {"COLOURMAPS": tables}
    lines = [f"export const {name} = {json.dumps(value)};" for name, value in values.items()]
    return (
        "// Written by the build, from plots/style.py and matplotlib.\n" + "\n".join(lines) + "\n"
    )


def write_content(folder: Path, name: str, content: dict) -> None:
    """Write ``NAME.json`` and the files that it names.

    Args:
        content: of what JSON knows, tensors, arrays, bytes, pictures and networks.
    """
    binary = bytearray()  # small arrays, one after another

    def array(values: np.ndarray) -> dict:
        values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        if values.nbytes >= OWN:
            file, offset = _shared(folder, values.tobytes(), "bin"), 0
        else:
            binary.extend(bytes(-len(binary) % 8))  # numbers begin at multiples of their size
            file, offset = f"{name}.bin", len(binary)
            binary.extend(values.tobytes())
        return {"tensor": [file, values.dtype.name, offset, list(values.shape)]}

    def encoded(value):
        if isinstance(value, dict):
            return {key: encoded(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [encoded(part) for part in value]
        if isinstance(value, (nn.Module, networks.OnlyDecoder)):
            layers, weights = networks.exported(value)
            return {"network": layers, "weights": array(np.frombuffer(weights, "<f4"))}
        if isinstance(value, Image.Image):
            file = io.BytesIO()
            value.save(file, "png", optimize=True)
            return {"picture": _shared(folder, file.getvalue(), "png")}
        if isinstance(value, bytes):
            return array(np.frombuffer(value, np.uint8))
        if isinstance(value, Tensor):
            return array(_known(value.detach().cpu().numpy()))
        if isinstance(value, np.ndarray):
            return array(_known(value))
        return value

    text = json.dumps(encoded(content), ensure_ascii=False, allow_nan=False)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    if binary:
        (folder / f"{name}.bin").write_bytes(zlib.compress(binary, 9))


def _known(values: np.ndarray) -> np.ndarray:
    """An array of a kind that ``data.js`` knows: whole numbers and truth values fit into less."""
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    if values.dtype == np.int64:
        if values.size and np.abs(values).max() >= 2**31:
            raise ValueError(
                f"A number is {np.abs(values).max()}; expected less than 2³¹, for pages have int32."
            )
        return values.astype(np.int32)
    return values


def _shared(folder: Path, content: bytes, kind: str) -> str:
    """A file named by its content, so that the same content is written once; its path."""
    file = f"files/{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(content, 9) if kind == "bin" else content)
    return file
