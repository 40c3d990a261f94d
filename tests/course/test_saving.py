"""What a notebook's file keeps, whoever saves it."""

import os
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from jupyter_server.extension.config import ExtensionConfigManager
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ae_helpers.course import saving, series
from ae_helpers.files import PROJECT

POSTER = {"image/png": "iVBORw0KGgo=", "text/plain": "Slide"}


def explored():
    """A notebook as JupyterLab would save it while its explorer lives."""
    outputs = [
        new_output("display_data", POSTER | {saving.WIDGET: {"model_id": "1"}}),
        new_output("display_data", {saving.WIDGET: {"model_id": "2"}}),
        new_output("stream", text="done"),
    ]
    cells = [new_markdown_cell("# One"), new_code_cell("1", outputs=outputs)]
    cells[1].metadata = {"collapsed": True, "jupyter": {"outputs_hidden": True}}
    info = {"name": "python", "version": "3.12.1"}
    return new_notebook(cells=cells, metadata={"language_info": info, "widgets": {"state": {}}})


def test_what_lasts():
    notebook = saving.lasting(explored())
    assert notebook.metadata == {"language_info": saving.LANGUAGE}
    code = notebook.cells[1]
    assert code.metadata == {"jupyter": {"outputs_hidden": True}}
    poster, widget, text = code.outputs
    assert poster.data == POSTER and text.text == "done"
    assert saving.WIDGET in widget.data  # without a picture beside it nothing else would be there
    assert saving.lasting(notebook) == notebook


@pytest.mark.parametrize(
    ("path", "lasts"), [("/course/notebooks/a.ipynb", True), ("/elsewhere/a.ipynb", False)]
)
def test_the_server_changes_notebooks_of_this_project_only(tmp_path, monkeypatch, path, lasts):
    monkeypatch.setattr(saving, "PROJECT", tmp_path / "course")
    contents = LargeFileManager(root_dir=f"{tmp_path}")
    saving._load_jupyter_server_extension(SimpleNamespace(contents_manager=contents))
    model = {"type": "notebook", "content": explored()}
    contents.run_pre_save_hooks(model, path)
    assert (saving.WIDGET in model["content"].cells[1].outputs[0].data) != lasts
    text = {"type": "file", "format": "text", "content": "x"}
    contents.run_pre_save_hooks(text, path)
    assert text["content"] == "x"


def test_what_is_saved_is_remembered(project, monkeypatch):
    monkeypatch.setattr(saving, "PROJECT", project)
    contents = SimpleNamespace(root_dir=f"{project}")
    saving.before_saving(
        {"type": "notebook", "content": explored()}, "notebooks/02_fail.ipynb", contents
    )
    assert series.last_lesson().name == "02_fail.ipynb"


@pytest.mark.skipif(not shutil.which("bash"), reason="Binder's scripts are bash's")
def test_binders_server_loads_it(tmp_path):
    script = (PROJECT / "binder" / "postBuild").read_text(encoding="utf-8")
    lines = script[script.index("mkdir") :].partition("\n#")[0]
    environ = os.environ | {"NB_PYTHON_PREFIX": f"{tmp_path}"}  # as repo2docker sets it
    subprocess.run(["bash", "-euc", lines], env=environ, check=True)
    found = ExtensionConfigManager(read_config_path=[f"{tmp_path / 'etc' / 'jupyter'}"])
    assert found.get_jpserver_extensions() == {saving.__name__: True}
