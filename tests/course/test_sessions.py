"""Which lesson was open last, as Jupyter's server learns it."""

import asyncio

import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupyter_server.services.sessions import sessionmanager

from ae_helpers.course import series
from ae_helpers.course.sessions import Sessions


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("notebooks/0b3e-random", "02_fail.ipynb"),  # as JupyterLab asks for it
        ("notebooks/02_fail.ipynb", ""),
        ("/notebooks/02_fail.ipynb", None),
    ],
)
def test_a_new_session_is_remembered(project, monkeypatch, path, name):
    begun = []

    async def begin(self, *args, **kwargs):
        begun.append((*args, kwargs))

    monkeypatch.setattr(sessionmanager.SessionManager, "create_session", begin)
    sessions = Sessions(contents_manager=LargeFileManager(root_dir=f"{project}"))
    asyncio.run(sessions.create_session(path=path, name=name, kernel_name="python3"))
    assert begun == [(path, name, {"kernel_name": "python3"})]
    assert series.last_lesson().name == "02_fail.ipynb"
    asyncio.run(sessions.create_session(path="", type="console"))  # of no file
    assert series.last_lesson().name == "02_fail.ipynb" and len(begun) == 2
