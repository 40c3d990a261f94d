"""A session of JupyterLab begins where a notebook is opened: so `lab` knows which was the last.

``series.lab`` has Jupyter's server use it. The other sign is a lesson that is saved: `saving`.
"""

from pathlib import Path
from typing import Any

from jupyter_server.services.sessions.sessionmanager import SessionManager

from ae_helpers.course.series import remember


class Sessions(SessionManager):
    """The server's own sessions, with a note of the lesson that each new one is for."""

    async def create_session(self, path: str | None = None, name: Any = None, *args, **rest):
        """Begin a session for the notebook ``name`` in the folder of ``path``.

        JupyterLab first gives a path that ends in a random word, and the name beside it.
        """
        file = Path(self.contents_manager.root_dir, (path or "").strip("/"))
        remember(file.parent / name if name else file)
        return await super().create_session(path, name, *args, **rest)
