"""On a phone, pictures are in sight while controls move, and a finger that scrolls moves none."""

import pytest

from ae_helpers.site import exports
from real_browser import Finger, opened, resized

pytestmark = pytest.mark.verify

UPRIGHT, SMALL, TURNED = (390, 844), (375, 620), (844, 390)
MOST = 0.46  # of the window's height that pictures take which stay above controls

# Give each control the focus, as the tabulator would, then go to each picture. What is wrong?
WALK = """hook => {
    const top = document.querySelector(".bd-header-article").offsetHeight;
    const box = (part) => part.getBoundingClientRect();
    const whole = (part) => box(part).top >= top - 1 && box(part).bottom <= innerHeight + 1;
    const name = (part) => part.ariaLabel || part.labels?.[0]?.textContent || part.textContent;
    const { stays } = hook.querySelector(".ae-explorer").dataset;
    const settings = hook.querySelector(".ae-settings");
    const pictures = [...hook.querySelectorAll(".ae-panel > canvas")];
    const wrong = [];
    for (const part of settings.querySelectorAll("input, select, button, canvas")) {
        part.focus();
        const { left, right, top, bottom } = box(part);
        for (const share of [0.1, 0.5, 0.9]) {
            const place = [left + share * (right - left), top + share * (bottom - top)];
            const there = document.elementFromPoint(...place);
            if (there !== part) wrong.push(`${name(part)} is below ${there?.outerHTML}`);
        }
        const seen = pictures.filter(whole).length;
        if (stays === "pictures" && seen < pictures.length)
            wrong.push(`at ${name(part)}, of ${pictures.length} pictures ${seen} are seen`);
        if (stays === "settings" && !seen) wrong.push(`at ${name(part)} no picture is seen`);
    }
    for (const picture of pictures) {
        picture.scrollIntoView({ block: "nearest", behavior: "instant" });
        const { left, top } = box(picture);
        if (!whole(picture) || document.elementFromPoint(left + 2, top + 2) !== picture)
            wrong.push(`${picture.title} is not seen`);
        if (stays === "settings" && !whole(settings)) wrong.push("settings are out of sight");
    }
    const share = hook.querySelector(".ae-pictures").offsetHeight / innerHeight;
    return [hook.dataset.explorer, stays, share, wrong];
}"""


@pytest.fixture
def gallery(home, browser, brought_to_life):
    """On a phone, the gallery's page with all explorers alive: the page, and their places."""
    with opened(browser, 390, has_touch=True, is_mobile=True) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(home + "gallery.html")
        page.add_style_tag(content="html { scroll-behavior: auto !important; }")
        yield page, [hook.element_handle() for hook in brought_to_life(page)]


def test_what_a_control_changes_is_in_sight_and_nothing_lies_over_it(gallery):
    page, hooks = gallery
    assert len(hooks) == len(exports.EXPORTS)
    shares = {}
    for size in (UPRIGHT, SMALL, TURNED, UPRIGHT):  # turned, and turned back
        with resized(page, *size):
            page.evaluate("() => new Promise(requestAnimationFrame)")
            found = {name: parts for name, *parts in (page.evaluate(WALK, hook) for hook in hooks)}
        assert {name: wrong for name, (*_, wrong) in found.items() if wrong} == {}, size
        for name, (stays, share, _) in found.items():
            assert (stays == "beside") == (size == TURNED), (name, size)
            assert share <= (MOST if stays == "pictures" else 1), (name, size)
        before = shares.setdefault(size, found)
        assert found == before
    assert {stays for stays, *_ in shares[UPRIGHT].values()} == {"settings", "pictures"}
    assert shares[UPRIGHT]["latent_sliders"][0] == "pictures"
    assert page.problems == []


def test_pictures_that_grow_still_leave_room(gallery):
    page, hooks = gallery
    hook = next(hook for hook in hooks if hook.get_attribute("data-explorer") == "layer_xray")
    for layer in range(8):
        hook.query_selector("select").select_option(index=layer)
        page.evaluate("() => new Promise((next) => requestAnimationFrame(() => setTimeout(next)))")
        _, stays, share, wrong = page.evaluate(WALK, hook)
        assert (stays, wrong) == ("pictures", [])
        assert share <= MOST


def test_a_wide_window_shows_pictures_as_large_as_they_are(home, browser, brought_to_life):
    with opened(browser, 1280) as page:
        page.goto(home + "gallery.html")
        for hook in brought_to_life(page):
            page.evaluate("() => new Promise(requestAnimationFrame)")
            assert hook.locator(".ae-explorer").get_attribute("data-stays") == ""
            scale = "pictures => pictures.style.getPropertyValue('--ae-scale')"
            assert hook.locator(".ae-pictures").evaluate(scale) == "1"


def test_a_finger_that_scrolls_moves_no_slider(gallery):
    page, hooks = gallery
    hook = next(hook for hook in hooks if hook.get_attribute("data-explorer") == "latent_sliders")
    slider, readout = hook.query_selector_all("input")[5], hook.query_selector("[role=status]")
    finger = Finger(page)

    def state():
        says = slider.get_attribute("aria-valuetext")
        return float(slider.input_value()), says, readout.inner_text(), page.evaluate("scrollY")

    def swiped(right, down):
        """What is before and after a swipe that begins on the track, beside the handle."""
        slider.evaluate("slider => slider.scrollIntoView({ block: 'center' })")
        page.evaluate("() => new Promise(requestAnimationFrame)")
        before, box = state(), slider.bounding_box()
        x, y = box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2
        finger.press((x, y))
        for step in range(1, 11):
            finger.move((x + right * step / 10, y + down * step / 10))
            page.evaluate("() => new Promise(requestAnimationFrame)")
        page.evaluate("still = new Promise((done) => (onscrollend = done)), null")
        finger.release()
        if down:  # the page rolls on for a moment
            page.evaluate("still")
        page.evaluate("() => new Promise((next) => requestAnimationFrame(() => setTimeout(next)))")
        return before, state()

    for right, down in ((0, -150), (0, 150), (-4, -150), (50, -150)):
        before, after = swiped(right, down)
        assert after[:3] == before[:3], (right, down)
        assert abs(after[3] - before[3]) > 50
    before, after = swiped(200, 0)  # along the track
    assert after[0] > 1 and after[1] == f"{after[0]:.2f}" and after[2] != before[2]
    assert after[3] == before[3]
    box = slider.bounding_box()
    slider.tap(position={"x": 0.25 * box["width"], "y": box["height"] / 2})
    value, says, *_ = state()
    assert value < -1 and says == f"−{-value:.2f}"
    assert page.problems == []
