"""How light the site is: when its front page can be used, what pages load, how fast sliders answer.

    python benchmarks/site_speed.py --write

Builds the site, serves it to a headless Chromium and measures

- from the beginning of the navigation until the front page's explorer has drawn, with a processor
  that the browser's own tools slow down, each time without a cache;
- for each page, what is loaded until its first explorer has drawn (or until all is loaded);
- for each explorer of the gallery, from a slider's (or a list's, or a box's) event to the end of
  the frame in which its pictures are painted, at random places of the screen's beat; and how much
  of that is computing and drawing.
"""

import argparse
import functools
import http.server
import os
import platform
import statistics
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "explorers"))

from training_speed import insert  # noqa: E402

from ae_helpers.site import build  # noqa: E402
from real_browser import chromium, opened  # noqa: E402

PLACE = "the site"  # in README.md
AWAKE = """() => {
    const hook = document.querySelector(".ae-live");
    if (!hook) return document.readyState === "complete";
    hook.scrollIntoView();
    return hook.dataset.state === "alive";
}"""
# Writes down when the first explorer has drawn.
WATCH = """new MutationObserver((_, watching) => {
    if (!document.querySelector('.ae-live[data-state="alive"]')) return;
    watching.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.aeUsable = performance.now(); }));
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-state"] });"""
MOVE = """async ([hook, times]) => {
    const moved = hook.querySelector("input[type=range], select, input[type=checkbox]");
    const { port1, port2 } = new MessageChannel();
    const painted = () => new Promise((done) => requestAnimationFrame(() => {
        port1.onmessage = () => done(performance.now());
        port2.postMessage(0); // comes once the frame is done
    }));
    const move = (turn) => {
        if (moved.type === "checkbox") moved.checked = !moved.checked;
        else if (moved.type === "range") turn % 2 ? moved.stepDown() : moved.stepUp();
        else moved.selectedIndex = turn % 2;
        for (const kind of ["input", "change"]) moved.dispatchEvent(new Event(kind));
    };
    const { live } = hook, draw = live.draw;
    let began = 0, drawing = 0;
    live.draw = function () {
        began = performance.now();
        const drawn = draw.call(this);
        drawing = performance.now() - began;
        return drawn;
    };
    if (moved.type === "range" && moved.valueAsNumber >= +moved.max) moved.stepDown(2);
    const found = [];
    for (let turn = 0; turn < times + 10; turn += 1) {
        await new Promise((done) => setTimeout(done, 20 + 17 * Math.random()));
        const start = performance.now();
        move(turn);
        found.push([(await painted()) - start, drawing]);
    }
    live.draw = draw;
    return found.slice(10); // the first ones warm up
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and doesn't tell of it."""

    def log_message(self, *_):
        pass


def seconds_until_usable(browser, address: str, slower: int, times: int) -> list[float]:
    """From navigation to the front page's living explorer, on a slower processor."""
    found = []
    for _ in range(times):
        with opened(browser) as page:
            tools = page.context.new_cdp_session(page)
            tools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
            page.add_init_script(WATCH)
            page.goto(f"{address}/index.html", wait_until="commit")
            found.append(page.wait_for_function("() => window.aeUsable").json_value() / 1e3)
    return found


def loaded(browser, address: str) -> float:
    """The kB of a page and of all that it loads until its first explorer lives."""
    with opened(browser) as page:
        sizes, tools = [], page.context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.goto(address)
        page.wait_for_function(AWAKE)
        return sum(sizes) / 1e3


def milliseconds(browser, address: str, times: int) -> dict[str, list[tuple[float, float]]]:
    """For each explorer of the gallery, from event to painted picture, and the part of drawing."""
    found = {}
    with opened(browser) as page:
        page.goto(f"{address}/gallery.html")
        for hook in page.locator(".ae-live").all():
            hook.scroll_into_view_if_needed()
            element = hook.element_handle()
            page.wait_for_function("hook => hook.dataset.state === 'alive'", arg=element)
            found[hook.get_attribute("data-explorer")] = page.evaluate(MOVE, [element, times])
        assert not page.problems, page.problems
    return found


def tables(usable: list[float], slower: int, sizes: dict, answers: dict) -> str:
    """What README shows."""
    cores, (heaviest, most) = os.cpu_count(), max(sizes.items(), key=lambda each: each[1])
    lines = [
        f"On {cores} cores ({platform.machine()}, {platform.system()}), headless Chromium. "
        f"The front page's explorer has drawn after {statistics.median(usable):.1f} s (median of "
        f"{len(usable)}, at most {max(usable):.1f} s), on a processor slowed down {slower} times. "
        f"The heaviest page is `{heaviest}`, {most:,.0f} kB before something moves; the front page "
        f"loads {sizes['index.html']:,.0f} kB, the median page "
        f"{statistics.median(sizes.values()):,.0f} kB.",
        "",
        "| explorer | event → painted, median | 95th percentile | of which drawing |",
        "|---|---|---|---|",
    ]
    for name, times in answers.items():
        painted, drawing = zip(*times, strict=True)
        lines.append(
            f"| `{name}` | {statistics.median(painted):.1f} ms "
            f"| {statistics.quantiles(painted, n=20)[-1]:.1f} ms "
            f"| {statistics.median(drawing):.1f} ms |"
        )
    lines += ["", "| page | kB before something moves |", "|---|---|"]
    lines += [f"| `{name}` | {size:,.0f} |" for name, size in sizes.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, help="a site that is built (default: build one)")
    parser.add_argument("--slower", type=int, default=4, help="the processor (default: 4 times)")
    parser.add_argument("--times", type=int, default=100, help="moves of a slider (default: 100)")
    parser.add_argument("--write", action="store_true", help="put the figures into README.md")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        site = args.site or Path(folder, "site")
        if not args.site:
            options = argparse.ArgumentParser()
            build.add_site_arguments(options)
            if build.site(options.parse_args(["--output", str(site)])):
                sys.exit("The site could not be built; what stands above says why.")
        handler = functools.partial(Quiet, directory=site)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            home = f"http://127.0.0.1:{server.server_port}"
            usable = seconds_until_usable(browser, home, args.slower, times=5)
            pages = sorted(path.name for path in site.glob("*.html"))
            sizes = {name: loaded(browser, f"{home}/{name}") for name in pages}
            answers = milliseconds(browser, home, args.times)
            server.shutdown()
    figures = tables(usable, args.slower, sizes, answers)
    print(figures)
    if args.write:
        readme = HERE / "README.md"
        readme.write_text(insert(readme.read_text("utf-8"), figures, PLACE), encoding="utf-8")


if __name__ == "__main__":
    main()
