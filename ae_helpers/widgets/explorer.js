// Keys that are meant for a control stay in its explorer. JupyterLab would take ArrowDown in a
// list, Space on a box to tick, Enter on a button; and an x, typed to choose in a list, cuts the
// whole cell.
function render({ el }) {
  function keep() {
    const explorer = el.closest(".ae-explorer");
    if (!explorer) return requestAnimationFrame(keep); // it isn't in the page yet
    explorer.addEventListener("keydown", (event) => {
      const combined = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
      if (!combined) event.stopPropagation(); // Ctrl-S still saves the notebook
    });
  }
  keep();
}

export default { render };
