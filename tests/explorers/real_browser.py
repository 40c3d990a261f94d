"""JupyterLab and Voilà in a real browser: serve notebooks, run them, use their explorers.

For tests and for measurements of speed. Nothing here waits a fixed time; what doesn't come about
raises Playwright's ``TimeoutError``.
"""

import argparse
import base64
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ae_helpers.course import series
from ae_helpers.files import PROJECT

try:
    from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright
except ImportError:
    sync_playwright = None

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 30_000  # milliseconds that anything on a page may take
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class NoBrowserError(Exception):
    """There is none here; the message says what to install."""


@contextlib.contextmanager
def chromium() -> Iterator["Browser"]:
    """A Chromium or Chrome that this computer has; Playwright's own downloads aren't needed."""
    if sync_playwright is None:
        raise NoBrowserError("no playwright: pip install playwright")
    flags = ["gpu", "quic", "background-networking", "component-update", "sync", "dev-shm-usage"]
    arguments = ["--no-first-run", "--force-color-profile=srgb", *(f"--disable-{f}" for f in flags)]
    arguments += ["--no-sandbox"] * IS_ROOT  # which Chromium refuses to have as root
    found = next(filter(None, map(shutil.which, NAMES)), None)
    # Where none is on the path, Playwright looks for Chrome where its installer puts it.
    which = {"executable_path": found} if found else {"channel": "chrome"}
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(**which, args=arguments)
        except Error as error:
            reason = error.message.strip().splitlines()[0]
            raise NoBrowserError(f"no browser: install Chromium or Chrome ({reason})") from error
        with browser:
            yield browser


@contextlib.contextmanager
def opened(browser: "Browser", width: int = 1280, **options) -> Iterator["Page"]:
    """A page of its own, with ``page.problems``: what went wrong on it and nobody handled."""
    with browser.new_context(viewport={"width": width, "height": 900}, **options) as context:
        context.set_default_timeout(PATIENCE)
        # Voilà's template wants icons from the network, which there may not be.
        context.route(re.compile("//cdn[.]"), lambda route: route.fulfill(body=""))
        page, page.problems = (new := context.new_page()), []
        new.on("pageerror", lambda error: new.problems.append(f"{error}"))
        new.on("console", lambda m: m.type == "error" and new.problems.append(m.text))
        new.on("crash", lambda _: new.problems.append("the page has crashed"))
        yield page


@contextlib.contextmanager
def resized(page: "Page", width: int, height: int) -> Iterator[None]:
    """A page in a window of another size, and of the one it had again at the end."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    try:
        yield
    finally:
        page.set_viewport_size(before)


class Finger:
    """A finger on a page. Its places are pixels of the window."""

    def __init__(self, page: "Page"):
        self.session = page.context.new_cdp_session(page)

    def press(self, place):
        self._touch("touchStart", place)

    def move(self, place):
        self._touch("touchMove", place)

    def release(self):
        self._touch("touchEnd")

    def _touch(self, kind, *places):
        points = [{"x": x, "y": y} for x, y in places]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


# ---------------------------------------------------------------------------------- the servers


def copy_project(folder: Path) -> Path:
    """The notebooks and the package, in a folder where they can be changed and can train."""
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("notebooks", "ae_helpers"):
        shutil.copytree(PROJECT / name, folder / name, ignore=ignore)
    return folder


@contextlib.contextmanager
def serving_lab(project: Path, folder: Path, theme: str = "light") -> Iterator[str]:
    """The address, with its token, of JupyterLab for a ``copy_project``, as ``make lab`` starts it.

    Args:
        project: what is served.
        folder: an empty one, for all that the server keeps.
        theme: light or dark.
    """
    settings = folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    themes = {"theme": f"JupyterLab {theme.title()}"}
    (settings / "themes.jupyterlab-settings").write_text(json.dumps(themes))
    args = argparse.Namespace(ip=None, port=None, no_browser=True)
    command = series.lab_command(args, {}, sys.platform, IS_ROOT)
    command.append("--LabApp.expose_app_in_browser=True")
    with _serving(command, project, folder) as address:
        yield address


@contextlib.contextmanager
def serving_voila(project: Path, folder: Path, theme: str = "light") -> Iterator[str]:
    """The address, with its token, of the gallery in a ``copy_project``, as of ``make play``."""
    args = argparse.Namespace(port=None, no_browser=True, theme=theme)
    command = series.play_command(args, {}, sys.platform)
    with _serving(command, project, folder) as address:
        yield address


@contextlib.contextmanager
def _serving(command: list[str], project: Path, folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    own = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]
    own += ["JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"]
    environ = os.environ | {name: str(folder / name.lower()) for name in own}
    environ["PYTHONPATH"] = str(project)  # kernels import the copy: its folders are theirs
    log, (python, *arguments) = folder / "log", command
    with log.open("w") as out:
        server = subprocess.Popen(
            [python, *(part.replace(str(PROJECT), str(project)) for part in arguments)],
            cwd=project,
            env=environ,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _address(server: subprocess.Popen, log: Path) -> str:
    """What the server prints once it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        if found := re.search(r"http://\S+token=\w+", log.read_text()):
            return found[0]
        time.sleep(0.1)
    raise RuntimeError(f"no server: {log.read_text()}")


# -------------------------------------------------------------------------------- the notebooks


def open_in_lab(page: "Page", address: str, notebook: str) -> None:
    """Open ``notebooks/<notebook>`` and wait until its kernel is ready."""
    server, token = address.split("/lab")[0], address.split("?")[1]
    page.goto(f"{server}/lab/tree/notebooks/{notebook}?reset&{token}")
    ready = """path => {
        const shown = window.jupyterapp?.shell.currentWidget;
        return shown?.context?.path === path && shown.context.isReady &&
            shown.sessionContext.session?.kernel?.status === "idle";
    }"""
    state = """() => {
        const shown = window.jupyterapp?.shell.currentWidget;
        const { status, connectionStatus } = shown?.sessionContext?.session?.kernel ?? {};
        const { href } = location, { visibilityState } = document;
        return { href, visibilityState, path: shown?.context?.path, status, connectionStatus };
    }"""
    try:
        page.wait_for_function(ready, arg=f"notebooks/{notebook}", timeout=2 * PATIENCE)
    except Error as error:
        raise RuntimeError(f"no kernel for {notebook}: {page.evaluate(state)}") from error


def command(page: "Page", name: str, **args) -> None:
    """Let JupyterLab do what one of its menu items does, and wait for the end of it."""
    execute = "async ([name, args]) => void (await jupyterapp.commands.execute(name, args))"
    page.evaluate(execute, [name, args])


def run_in_lab(page: "Page", address: str, notebook: str) -> list[str]:
    """Open ``notebooks/<notebook>``, run all its cells, wait; the errors that cells raised."""
    open_in_lab(page, address, notebook)
    command(page, "notebook:run-all-cells")
    return page.evaluate(
        """() => jupyterapp.shell.currentWidget.model.toJSON().cells
            .flatMap(cell => cell.outputs ?? [])
            .filter(output => output.output_type === "error")
            .map(output => `${output.ename}: ${output.evalue}`)"""
    )


def stop_kernel(page: "Page") -> None:
    """End the kernel of the notebook that ``run_in_lab`` has run, and free its memory."""
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


# -------------------------------------------------------------------------------- the explorers

# The pictures of an explorer as they are in the page's memory, not as they are laid out; null
# while one is being replaced, for then it has no size.
PICTURES = """root => [...root.querySelectorAll("img")].map(image => {
    if (!image.complete || !image.naturalWidth) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL();
})"""


# An explorer's pictures, if they are others than before and have come to rest: what the page has
# sent to the kernel is answered, and nothing waited in the page for one of these answers.
AT_REST = f"""async ([root, before, patience]) => {{
    const {{ shell, widgetManager }} = window.jupyterapp;
    const kernel = shell.currentWidget?.sessionContext?.session.kernel ?? widgetManager.kernel;
    if (!kernel.aeAsked) {{
        kernel.aeAsked = new Set();
        kernel.anyMessage.connect((_, {{ msg, direction }}) => {{
            const asks = direction === "send" && msg.channel === "shell";
            if (asks) kernel.aeAsked.add(msg.header.msg_id);
        }});
        kernel.iopubMessage.connect((_, {{ content, parent_header }}) => {{ // once it is dealt with
            if (content.execution_state === "idle") kernel.aeAsked.delete(parent_header.msg_id);
        }});
        kernel.statusChanged.connect((_, status) => {{
            if (status.includes("restarting")) kernel.aeAsked.clear(); // nobody will answer
        }});
    }}
    const frame = () => new Promise(requestAnimationFrame);
    const late = new Promise((_, fail) =>
        setTimeout(fail, patience, new Error("no other pictures, or none at rest")));
    late.catch(() => {{}}); // which is no problem of a page that was done before
    const pictures = {PICTURES};
    const same = (one, other) => one.every((picture, i) => picture === other?.[i]);
    let now, frames = 0; // for how many of them nothing has happened
    while (frames < 4) {{
        const last = now;
        now = pictures(root);
        const rests = !now.includes(null) && !same(now, before) && same(now, last);
        frames = rests && !kernel.aeAsked.size ? frames + 1 : 0;
        await Promise.race([frame(), late]);
    }}
    return now;
}}"""


class ShownExplorer:
    """An explorer on a page, used as a reader would.

    Args:
        page: where it is, or will be.
        title: as the explorer shows it, or the beginning of it.
        number: which of those with this title, from 0.
    """

    def __init__(self, page: "Page", title: str, number: int = 0):
        self.page, self.title = page, title
        named = page.locator("b", has_text=re.compile(f"^{re.escape(title)}"))
        self.root = page.locator(".ae-explorer", has=named).nth(number)
        self.root.scroll_into_view_if_needed()
        self.alert = self.root.get_by_role("alert")
        self.readout = self.root.get_by_role("status")
        self.readout.wait_for()

    def labels(self, kind: str) -> list[str]:
        """Of the controls of a kind, ``"slider"``, ``"dropdown"`` or ``"checkbox"``."""
        named = ".widget-checkbox span" if kind == "checkbox" else f".widget-{kind} .widget-label"
        return self.root.locator(named).all_text_contents()

    def control(self, label: str) -> "Locator":
        """What is moved: a slider's handle, a list, a box to tick, a button; by its label."""
        handle = self._box(label).locator(".noUi-handle, select, input")
        return handle.or_(self.root.get_by_role("button", name=label, exact=True))

    def _box(self, label: str) -> "Locator":
        of_label = self.page.get_by_text(label, exact=True)
        return self.root.locator(".widget-inline-hbox", has=of_label)

    def press(self, label: str, *keys: str) -> None:
        """Press keys on a control."""
        self.control(label).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, label: str, word: str) -> None:
        """Choose from a list by typing; again if a pause has made two words of one."""
        for _ in range(5):
            self.press(label, *word)
            chosen = self.control(label).evaluate("list => list.selectedOptions[0].text")
            if chosen.lower().startswith(word.lower()):
                return
            self.page.wait_for_timeout(1_500)  # until the list has forgotten what was typed
        raise AssertionError(f"{self.title}, {label}: {chosen!r} is chosen; expected {word!r}")

    def type(self, label: str, value: str) -> None:
        """Type a value over the one that a slider shows."""
        readout = self._box(label).locator(".widget-readout")
        readout.fill(value)
        readout.press("Enter")

    def drag(self, label: str, share: float) -> None:
        """Drag a slider's handle to a share of its track, in steps, as a hand does."""
        handle = self.control(label)
        handle.hover()  # once it is in view and stands still
        self.page.mouse.down()
        track = handle.locator("xpath=../..").bounding_box()
        self.page.mouse.move(track["x"] + share * track["width"], track["y"], steps=5)
        self.page.mouse.up()

    def value(self, label: str) -> tuple[float, float, float]:
        """Where a slider stands, and from where to where it goes."""
        names = ("valuenow", "valuemin", "valuemax")
        return tuple(float(self.control(label).get_attribute(f"aria-{name}")) for name in names)

    def stroke(self, *points: tuple[int, int]) -> None:
        """Draw on the pad with the mouse, from point to point."""
        self.slide(self.root.locator("canvas.ae-pad"), *points)

    def slide(self, part: "Locator", *points: tuple[int, int]) -> None:
        """Hold the mouse down and move it, from point to point of a part of the explorer."""
        (x, y), *others = points
        boxes = [None, part.bounding_box()]
        while boxes[-1] != boxes[-2]:  # Lab lays out what comes into view, and things move
            part.hover(position={"x": x, "y": y})
            self.page.wait_for_timeout(300)
            boxes.append(part.bounding_box())
        self.page.mouse.down()
        for x, y in others:
            self.page.mouse.move(boxes[-1]["x"] + x, boxes[-1]["y"] + y, steps=5)
        self.page.mouse.up()

    def drawing(self) -> Image.Image:
        """What is drawn on the pad, in grey: black is paper."""
        pad = self.root.locator("canvas.ae-pad")
        return _image(pad.evaluate("pad => pad.toDataURL()")).getchannel("A")

    def panel(self, name: str) -> "Locator":
        """The picture below a name."""
        below = "xpath=following-sibling::*/descendant-or-self::img"
        return self.root.get_by_text(name, exact=True).locator(below)

    def picture(self, name: str) -> Image.Image:
        """What the panel of that name shows now, in the picture's own pixels."""
        shown = self.page.wait_for_function(
            f"image => ({PICTURES})(image.parentNode)[0]", arg=self.panel(name).element_handle()
        )
        return _image(shown.json_value())

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Wait, at the end of the block, until pictures have changed and changes have ended."""
        before = self._at_rest(None)
        yield
        self._at_rest(before)

    def _at_rest(self, before: list[str] | None) -> list[str]:
        """Wait until the pictures are others than before, and stay so; those pictures."""
        return self.page.evaluate(AT_REST, [self.root.element_handle(), before, PATIENCE])


def explorers_on(page: "Page") -> list[ShownExplorer]:
    """All explorers of a page, from top to bottom."""
    titles = page.locator(".ae-explorer > .widget-html b").all_text_contents()
    return [ShownExplorer(page, t, titles[:i].count(t)) for i, t in enumerate(titles)]


def move_first_sliders(explorers: list[ShownExplorer]) -> None:
    """Move a slider of each by keyboard: another picture comes, and no error."""
    for explorer in explorers:
        label = explorer.labels("slider")[0]
        with explorer.changing():
            value, _, high = explorer.value(label)
            explorer.press(label, "ArrowRight" if value < high else "ArrowLeft")
        assert explorer.alert.count() == 0


def _image(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
