// What the theme's menus and its search lack. This runs before the theme's own scripts
// look for their buttons, for they wait until the page is complete.

// They take the first button that opens a menu, and that one stands unseen in an empty header.
for (const button of document.querySelectorAll("#pst-header .sidebar-toggle")) button.remove();

// A link to a place on the same page leads there, and the menu would still lie over it.
for (const menu of document.querySelectorAll("dialog")) {
  menu.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("a")) menu.close();
  });
}

// Of pages that have the words which are looked for, the one with more of them in its title is first.
const words = new URLSearchParams(location.search).get("q")?.toLowerCase().split(/\s+/) ?? [];
if (window.Scorer)
  window.Scorer.score = ([, title, , , score]) =>
    score + words.filter((word) => title.toLowerCase().includes(word)).length;
