"""What a notebook's file keeps: what can be seen tomorrow, and nothing of this computer.

This module is an extension of Jupyter's server: it changes what is saved of this project's
notebooks. ``series.lab`` loads it, and on Binder ``binder/postBuild`` does.
"""

from pathlib import Path
from typing import TypeVar

from ae_helpers.course.series import remember
from ae_helpers.files import PROJECT

WIDGET = "application/vnd.jupyter.widget-view+json"
# Without the second, `jupyter nbconvert --to script` wouldn't know what a script is.
LANGUAGE = {"name": "python", "nbconvert_exporter": "python"}
Notebook = TypeVar("Notebook", bound=dict)


def lasting(notebook: Notebook) -> Notebook:
    """Leave out, in place, what is dead without its kernel or differs from computer to computer.

    Of an explorer its poster stays: JupyterLab would prefer the widget, and find it gone.

    Args:
        notebook: as ``nbformat`` reads it (version 4), or as JSON does.
    """
    notebook["metadata"].pop("widgets", None)
    notebook["metadata"]["language_info"] = LANGUAGE.copy()
    for cell in notebook["cells"]:
        cell["metadata"].pop("collapsed", None)  # which `jupyter.outputs_hidden` says already
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"].pop(WIDGET, None)
    return notebook


def before_saving(model: dict, path: str, contents_manager) -> None:
    """Save of a notebook of this project what lasts; the page that shows it stays as it is.

    And remember that the lesson was worked on.
    """
    file = Path(contents_manager.root_dir, path.strip("/")).resolve()
    if model["type"] == "notebook" and file.is_relative_to(PROJECT):
        lasting(model["content"])
        remember(file)


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server) -> None:
    server.contents_manager.register_pre_save_hook(before_saving)
