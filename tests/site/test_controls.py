"""Every control of every explorer on the gallery's page, as readers use them: by mouse, by keys and
by finger, in windows of three widths, on light and on dark pages.

What is computed is compared in ``test_live.py``. Here each control must *answer*: it stands
elsewhere, and pictures or readout show it.
"""

from pathlib import Path

import pytest

from ae_helpers.site import exports
from real_browser import Error, Finger, opened, resized

pytestmark = pytest.mark.verify

# Of a stroke and two dots, as shares of a pad's or a picture's sides.
FROM, TO, DOT, OTHER = (0.3, 0.35), (0.7, 0.6), (0.25, 0.8), (0.8, 0.2)
AWAY = (-60, -60)  # out of the window
PARTS = "input, select, button, canvas[tabindex]"
# What shows nothing until a button uses it.
SILENT = {("latent_sliders", "digit")}


class Mouse:
    """A pointer. Its places are pixels of the window."""

    def __init__(self, page):
        self.mouse = page.mouse

    def press(self, place):
        self.mouse.move(*place)
        self.mouse.down()

    def move(self, place):
        self.mouse.move(*place, steps=3)

    def release(self):
        self.mouse.up()


class Part:
    """What a reader can move of an explorer: a control, a button, a picture that answers."""

    explorer = name = ""  # until it has said

    def __init__(self, page, hook, part):
        self.page, self.hook, self.part = page, hook, part
        self.explorer, self.kind, self.name = self.ask("described")
        self.is_picture = self.kind in ("pad", "picture")

    def ask(self, what, *arguments):
        """What a function of ``reader.js`` says of it."""
        call = f"([part, hook, ...rest]) => reader.{what}(part, hook, ...rest)"
        try:
            return self.page.evaluate(call, [self.part, self.hook, *arguments])
        except Error as error:
            raise AssertionError(f"{self.explorer}, {self.name}: {error.message}") from error

    def at(self, right=0.5, down=0.5):
        """Where a share of it is, once it is in view, and nothing lies over it."""
        return self.ask("at", right, down)

    def use(self, *acts):
        """Act; the explorer answers."""
        self.ask("note")
        for act in acts:
            act()
        self.ask("answered", (self.explorer, self.name) in SILENT)

    def by_pointer(self, pointer):
        if self.is_picture:
            self._drawn_on(pointer)
        elif self.kind == "slider":
            start, end = (self.at(share) for share in self.ask("way"))
            self.use(lambda: pointer.press(start), lambda: pointer.move(end), pointer.release)
        else:
            place = self.at()
            self.use(lambda: pointer.press(place), pointer.release, self._choose)

    def _choose(self):
        for key in self.ask("chosen"):
            self.page.keyboard.press(key)

    def _drawn_on(self, pointer):
        """Point and drag, out of the window and back, and let go out there."""
        start, end = self.at(*FROM), self.at(*TO)
        self.use(lambda: pointer.press(start))
        self.ask("meant", *FROM)
        self.use(lambda: pointer.move(end))
        self.ask("meant", *TO)
        self.use(lambda: pointer.move(AWAY), lambda: pointer.move(start))
        self.ask("meant", *FROM)
        pointer.move(AWAY)
        pointer.release()
        self.ask("settled")
        if isinstance(pointer, Mouse):  # a finger that is beside it is taken for one on it
            pointer.move(end)  # it has let go
            left, middle = self.at(0)
            pointer.press((left - 3, middle))  # and what begins outside is no stroke
            pointer.move(end)
            pointer.release()
        self.ask("unmoved")

    def by_keys(self):
        """It has the focus, and shows it."""
        self.ask("focused")
        press = self.page.keyboard.press
        if self.kind in ("slider", "list"):
            self.use(lambda: press(self.ask("arrow")))
        elif self.kind == "field":
            self.use(lambda: press("ArrowUp"))
        elif self.is_picture:
            self.use(lambda: press("ArrowRight"), lambda: press(self.ask("other_key")))
        else:
            self.use(lambda: press("Space"))

    def turned(self, finger):
        """A phone is turned while a finger draws, and turned back."""
        self.use(lambda: finger.press(self.at(*DOT)))
        with resized(self.page, 844, 390):
            self.use(lambda: finger.move(self.at(*TO)), finger.release)
            self.ask("meant", *TO)
            self.use(lambda: finger.press(self.at(*OTHER)), finger.release)
            self.ask("meant", *OTHER)
            assert_not_wider(self.page, 844)
            self.ask("settled")
        self.ask("unmoved")


def assert_not_wider(page, width):
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"the page is {wide} pixels wide in a window of {width}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_every_control_answers(width, scheme, home, browser, brought_to_life):
    device = {"has_touch": True, "is_mobile": width == 390}
    with opened(browser, width, color_scheme=scheme, **device) as page:
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(home + "gallery.html")
        page.add_script_tag(path=Path(__file__).with_name("reader.js"))
        assert page.locator("html").get_attribute("data-theme") == scheme
        hooks = [hook.element_handle() for hook in brought_to_life(page)]
        assert len(hooks) == len(exports.EXPORTS)
        mouse, finger = Mouse(page), Finger(page)
        for hook in hooks:
            parts = [Part(page, hook, part) for part in hook.query_selector_all(PARTS)]
            assert len(parts) == page.evaluate("hook => reader.watch(hook)", hook)
            for part in parts:
                part.by_pointer(mouse)
            parts[0].part.focus()
            for part in parts:
                part.by_keys()
                page.keyboard.press("Tab")
            assert not hook.evaluate("hook => hook.contains(document.activeElement)")
            for part in parts:
                part.by_pointer(finger)
                if width == 390 and part.is_picture:
                    part.turned(finger)
            assert_not_wider(page, width)
        assert page.problems == []
        assert [url for url in requests if not url.startswith((home, "data:", "blob:"))] == []
