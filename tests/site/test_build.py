"""The site as a whole: built once, read by a program, and opened in a real browser."""

import base64
import hashlib
import json
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from ae_helpers.course import series
from ae_helpers.site import build, exports, pages
from real_browser import opened


def test_what_is_no_site_is_not_replaced(tmp_path, refused, build_site):
    (tmp_path / "mine.txt").write_text("precious")
    with refused(FileExistsError, str(tmp_path), "--output"):
        build_site("--output", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_build_that_fails_leaves_the_last_site(tmp_path, monkeypatch, build_site):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / build.MARK).write_text("the last one")
    monkeypatch.setattr(build, "write_sources", lambda folder: None)  # so Sphinx finds no conf.py
    assert build_site("--output", tmp_path / "site") != 0
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert (tmp_path / "site" / build.MARK).read_text() == "the last one"
    assert build_site("--output", tmp_path / "a" / "new" / "site") != 0  # it comes as far as that


@pytest.fixture(scope="module")
def contents(site):
    """Each page by its name, read."""
    return {
        path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in site.glob("*.html")
    }


@pytest.mark.verify
def test_every_lesson_is_a_page_with_one_title_and_described_pictures(contents):
    assert contents.keys() >= {
        "index.html",
        "beyond.html",
        *(f"{path.stem}.html" for path in pages.sources()),
    }
    for name, page in contents.items():
        titles = [h1 for h1 in page.find_all("h1") if not h1.find_parent(class_="onlyprint")]
        assert len(titles) == 1, name
        assert page.find("main"), name
        assert page.html["lang"] == "en", name


@pytest.mark.verify
def test_pictures_say_what_they_show_and_how_large_they_are_and_wait_for_the_reader(site, contents):
    for notebook in pages.sources():
        stored = [
            (hashlib.sha256(base64.b64decode(output["data"]["image/png"])).hexdigest(), output)
            for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        ]
        shown = contents[f"{notebook.stem}.html"].select(".cell_output img")
        assert [(Path(image["src"]).stem, image["alt"]) for image in shown] == [
            (name, output["metadata"]["image/png"]["alt"]) for name, output in stored
        ], notebook.name
    for name, page in contents.items():
        pictures = page.select("main img")
        for image in pictures:
            assert image.get("alt") and image["alt"] != image["src"], (name, image)
            with Image.open(site / image["src"]) as file:
                assert (int(image["width"]), int(image["height"])) == file.size, (name, image)
        assert [image.get("loading") for image in pictures[1:]] == ["lazy"] * len(pictures[1:])


@pytest.mark.verify
def test_no_link_is_dead_and_nothing_comes_from_elsewhere(site, contents):
    dead = []
    for name, page in contents.items():
        for tag in page.find_all(["script", "img", "link", "source", "iframe"]):
            address = tag.get("src") or tag.get("href") or ""
            assert not address.startswith(("http:", "https:", "//")), (name, address)
        for link in page.find_all("a", href=True):
            address, place = urldefrag(urljoin(name, link["href"]))
            if ":" in address:
                continue  # another site's
            there = (site / address).is_file()
            if there and place and address in contents:
                there = contents[address].find(id=unquote(place))
            if not there:
                dead.append((name, link["href"]))
    assert dead == []


@pytest.mark.verify
def test_a_phone_shows_every_page_without_complaint_or_foreign_request(home, contents, browser):
    foreign = []
    with opened(browser, 390) as page:
        page.on("request", lambda r: r.url.startswith((home, "data:")) or foreign.append(r.url))
        for name in sorted(contents):
            page.goto(home + name)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{name} is {wide} pixels wide"
            icon = "getComputedStyle(document.querySelector('.fa-bars'), '::before').content"
            assert page.evaluate(icon).startswith('"'), name  # a letter of a font
            assert page.locator("script[src*=fontawesome]").count() == 0, name
        assert page.problems == foreign == []


@pytest.mark.verify
def test_the_lesson_whose_title_has_the_words_is_found_first(home, browser):
    with opened(browser) as page:
        page.goto(f"{home}search.html?q=batch+normalisation")
        first = page.locator("#search-results li a").first
        assert first.inner_text().startswith("07 ")
        assert page.problems == []


MENUS = ("primary", "secondary")  # of all pages, of this page
IN_WINDOW = """([menu, expected]) => {
    const { left, right } = document.querySelector(`.bd-sidebar-${menu}`).getBoundingClientRect();
    return (left >= 0 && right <= innerWidth) === expected;
}"""


@pytest.mark.verify
@pytest.mark.parametrize("width", [390, 800, 1280])
def test_menus_open_and_close_by_finger_and_key(width, home, browser):
    with opened(browser, width, has_touch=True, is_mobile=width == 390) as page:

        def wait_for(menu, shown):
            page.wait_for_function(IN_WINDOW, arg=[menu, shown])

        page.goto(f"{home}{series.find_lessons()[6].stem}.html")
        pages, here = (page.get_by_role("button", name=f"Toggle {menu} sidebar") for menu in MENUS)
        if width == 1280:  # both stand beside the text; that of the pages can be put away
            wait_for("secondary", True)
            pages.click()
            wait_for("primary", False)
        else:
            pages.tap()
            wait_for("primary", True)
            page.keyboard.press("Escape")
            wait_for("primary", False)
            here.tap()
            wait_for("secondary", True)
            page.locator(".bd-sidebar-secondary").get_by_role("link").last.tap()
            wait_for("secondary", False)  # for it has led to a place of this page
            page.wait_for_function("scrollY > 1000")
        assert page.problems == []


@pytest.mark.verify
def test_explorers_come_alive_in_the_gallery_and_in_their_lessons(
    home, contents, browser, brought_to_life
):
    hooks = {name: len(page.select(".ae-live")) for name, page in contents.items()}
    assert hooks["index.html"] == 1
    assert hooks["gallery.html"] == len(exports.EXPORTS)
    with opened(browser, 390, color_scheme="dark") as page:
        for name in filter(hooks.get, hooks):
            page.goto(home + name)
            for number, hook in enumerate(brought_to_life(page)):
                poster = hook.locator("xpath=../preceding-sibling::*[1]")
                assert not poster.is_visible(), (name, number)
                assert hook.locator("canvas").first.is_visible()
                cut = hook.evaluate(
                    """hook => {
                        const [mine, room] = [hook, hook.parentElement].map((each) =>
                            each.getBoundingClientRect());
                        return room.left - mine.left + mine.right - room.right;
                    }"""
                )
                assert cut <= 0, f"{name}: {cut} pixels of explorer {number} are cut off"
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{name} is {wide} pixels wide"
        assert page.problems == []


@pytest.mark.verify
def test_the_front_page_asks_early_for_all_that_its_explorer_needs(
    home, contents, browser, brought_to_life
):
    early = {
        home + link["href"]
        for link in contents["index.html"].select("link[rel=modulepreload], link[rel=preload]")
        if "/live/" in link["href"]
    }
    loaded = []
    with opened(browser) as page:
        page.on("response", lambda response: loaded.append(response.url.partition("?")[0]))
        page.goto(home + "index.html")
        assert len(list(brought_to_life(page))) == 1
        assert page.problems == []
    live = [url for url in loaded if "/live/" in url and not url.endswith(".css")]
    # Each once; the page's own script names frame.js.
    assert sorted(live) == sorted({*early, f"{home}_static/live/frame.js"})
    assert not any(word in url for word in ("search", "language_data") for url in loaded)
    assert contents["search.html"].select_one('script[src^="searchindex.js"]')


# What axe finds, each as its rule and the beginning of the element.
AXE = """async options => {
    const { violations } = await axe.run({ resultTypes: ["violations"], ...options });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => [id, html]));
}"""
# Of a thousand words of code in one colour, one is enough: contrasts take their time.
THIN = """() => {
    const seen = new Set();
    for (const word of document.querySelectorAll(".highlight span")) {
        if (seen.has(word.className)) word.replaceWith(...word.childNodes);
        seen.add(word.className);
    }
}"""
# Two oddities of the theme: its search button's label leaves out the keys that it shows, and the
# sidebar's name of the site is in no landmark.
THEMES = {
    ("label-content-name-mismatch", '<button class="btn search-button-field'),
    ("region", '<div class="sidebar-primary-item">'),
}


@pytest.mark.verify
def test_an_accessibility_checker_finds_nothing(
    home, contents, browser, brought_to_life, node_modules
):
    """In the dark only contrasts are others."""
    schemes = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
    axe, found = node_modules / "axe-core" / "axe.min.js", []
    with opened(browser) as page:
        for name in sorted(contents):
            page.emulate_media(color_scheme="light")
            page.goto(home + name)
            assert all(hook.locator("canvas").count() for hook in brought_to_life(page))
            page.evaluate(THIN)
            page.add_style_tag(content="*, ::before, ::after { transition: none !important }")
            page.add_script_tag(path=axe)
            for scheme, options in schemes.items():
                page.emulate_media(color_scheme=scheme)
                page.locator(f"html[data-theme={scheme}]").wait_for()
                for rule, html in page.evaluate(AXE, options):
                    if not any(rule == known and html.startswith(its) for known, its in THEMES):
                        found.append((name, scheme, rule, html[:200]))
    assert found == []
