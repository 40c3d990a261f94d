"""How fast the explorers answer in a browser: from a key press to the picture, and while dragging.

    python benchmarks/explorer_latency.py

Opens the gallery in JupyterLab and Chromium, as the tests do, on the offline sample and one thread.
On each explorer it presses an arrow key again and again, each time when the pictures have come to
rest, and then drags for some seconds. Prints a table for `benchmarks/README.md`:

- *key press → picture*: from the key's event until the browser has painted the last picture that
  the press changes, in milliseconds;
- *pictures per second* while dragging, of the picture that changes most often;
- *kernel*: what Python needs to compute, encode and send the pictures of one update: while
  dragging, beside a browser that works on the same cores; and alone, in a run without a browser.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "explorers"))
os.environ |= {"AE_DATA_DIR": "sample", "OMP_NUM_THREADS": "1"}  # for the kernel

from real_browser import ShownExplorer, chromium, copy_project, opened, run_in_lab, serving_lab

# What is moved in each explorer, by its label.
MOVED = {
    "Draw a digit": "shift right",  # for keys and mouse it is the pad itself
    "Browse the digits": "number",
    "Move the windows": "output row",
    "X-ray the layers": "digit",
    "Lay the stamps": "stamps so far",
    "Slide over the epochs": "epoch (0: before)",
    "Wipe from before": "after (% of the width)",
    "Walk along": "direction 1",
    "Go from one digit": "way (%)",
    "Keep only": "numbers kept, k",
}
# Cells added to the gallery. This one writes down how long each update takes …
BESIDE = """
import time
from ae_helpers.widgets.explorer import Explorer

def timed(self, action=None, answer=Explorer._answer):
    paused, started = self._paused, time.perf_counter()
    answer(self, action)
    if not paused:  # or it did nothing
        with open("kernel.txt", "a") as file:
            print(1e3 * (time.perf_counter() - started), file=file)

Explorer._answer = timed
"""
# … and this one makes updates, without a browser.
ALONE = """
import statistics, time
from ipywidgets.widgets.widget import _instances
from ae_helpers.widgets.explorer import Explorer

def milliseconds(control):
    value, times = control.value, []
    for number in range(100):
        started = time.perf_counter()
        control.value = value + (number % 2 == 0) * control.step
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)

explorers = [widget for widget in _instances.values() if isinstance(widget, Explorer)]
for title, label in MOVED.items():
    [explorer] = [each for each in explorers if each.title.startswith(title)]
    [control] = [each for each in explorer.controls.values() if each.description == label]
    print(milliseconds(control))
"""
# Writes down when a key is pressed, and when pictures are on the screen: at the next frame.
WATCH = """root => {
    window.aeKey = null;
    window.aePainted = [];
    if (root.aeWatched) return;
    root.aeWatched = true;
    root.addEventListener("keydown", event => { aeKey = event.timeStamp; }, true);
    root.addEventListener("load", ({target}) => requestAnimationFrame(
        () => aePainted.push([target.alt, performance.now()])), true);
}"""


def milliseconds_per_key(explorer: ShownExplorer, control, presses: int) -> list[float]:
    """From each key press to the last picture that it changed."""
    page, found = explorer.page, []
    control.focus()
    for press in range(presses + 10):
        explorer.root.evaluate(WATCH)
        page.keyboard.press("ArrowLeft" if press % 2 else "ArrowRight")
        page.wait_for_function(
            "() => aePainted.length && performance.now() - aePainted.at(-1)[1] > 150"
        )
        found.append(page.evaluate("aePainted.at(-1)[1] - aeKey"))
    return found[10:]  # the first ones warm up


def pictures_per_second(explorer: ShownExplorer, control, track, seconds: float) -> float:
    """Drag to and fro, as fast as a mouse reports; count the picture that changes most often."""
    mouse, box, start = explorer.page.mouse, track.bounding_box(), control.bounding_box()
    y = start["y"] + start["height"] / 2
    mouse.move(start["x"] + start["width"] / 2, y)
    mouse.down()
    explorer.root.evaluate(WATCH)
    began = time.monotonic()
    while (past := time.monotonic() - began) < seconds:
        share = abs((past + 0.5) % 2 - 1)  # to and fro in two seconds
        mouse.move(box["x"] + (0.1 + 0.8 * share) * box["width"], y)
        explorer.page.wait_for_timeout(8)
    painted = explorer.page.evaluate("aePainted")
    mouse.up()
    times = {}
    for name, at in painted:
        times.setdefault(name, []).append(at)
    most = max(times.values(), key=len)
    return 1e3 * (len(most) - 1) / (most[-1] - most[0])


def alone(gallery: Path) -> list[float]:
    """The kernel's milliseconds per update of each explorer, without a browser."""
    notebook = nbformat.read(gallery, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(f"MOVED = {MOVED}\n{ALONE}"))
    NotebookClient(
        notebook,
        coalesce_streams=True,
        extra_arguments=["--log-level=CRITICAL"],
        resources={"metadata": {"path": str(gallery.parent)}},
    ).execute()
    return [float(line) for line in notebook.cells[-1].outputs[0].text.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presses", type=int, default=40, help="of a key (default: 40)")
    parser.add_argument("--seconds", type=float, default=4, help="of dragging (default: 4)")
    args = parser.parse_args()

    print("| | key press → picture | 90th percentile | pictures/s | kernel, dragging | alone |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder))
        path, log = project / "notebooks" / "gallery.ipynb", project / "notebooks" / "kernel.txt"
        without_browser = alone(path)
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(BESIDE))
        nbformat.write(notebook, path)
        with (
            chromium() as browser,
            serving_lab(project, project / "lab") as address,
            opened(browser) as page,
        ):
            assert run_in_lab(page, address, path.name) == []
            page.locator(".ae-explorer").nth(len(MOVED) - 1).wait_for()
            for (title, label), kernel in zip(MOVED.items(), without_browser, strict=True):
                explorer = ShownExplorer(page, title)
                pad = explorer.root.locator("canvas.ae-pad")
                control = pad if pad.count() else explorer.control(label)
                keys = milliseconds_per_key(explorer, control, args.presses)
                log.write_text("")
                track = pad if pad.count() else control.locator("xpath=../..")
                rate = pictures_per_second(explorer, control, track, args.seconds)
                dragging = statistics.median(map(float, log.read_text().split()))
                print(
                    f"| {explorer.title} … | {statistics.median(keys):.0f} ms "
                    f"| {statistics.quantiles(keys, n=10)[-1]:.0f} ms | {rate:.0f} "
                    f"| {dragging:.1f} ms | {kernel:.1f} ms |",
                    flush=True,
                )
            assert not page.problems, page.problems


if __name__ == "__main__":
    main()
