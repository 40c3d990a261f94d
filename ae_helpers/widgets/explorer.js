// Makes the explorer around it fit for a keyboard and for a screen reader.
/** @param {{ el: HTMLElement }} view as anywidget hands it over */
function render({ el }) {
  const explorer = /** @type {HTMLElement | null} */ (el.closest(".ae-explorer"));
  if (!explorer) return void requestAnimationFrame(() => render({ el })); // isn't in the page yet

  // Keys that are meant for a control stay here. JupyterLab would take ArrowDown in a list, Space on
  // a box to tick, Enter on a button; and an x, typed to choose in a list, cuts the whole cell.
  explorer.addEventListener("keydown", (event) => {
    const combined = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (!combined) event.stopPropagation(); // Ctrl-S still saves the notebook
  });

  // ipywidgets leaves a slider without its name, and with its number where a word is shown.
  const tell = () => {
    for (const box of explorer.querySelectorAll(".widget-slider")) {
      const [label, handle, readout] = [".widget-label", ".noUi-handle", ".widget-readout"].map(
        (part) => box.querySelector(part),
      );
      handle?.setAttribute("aria-label", label?.textContent ?? "");
      handle?.setAttribute("aria-valuetext", readout?.textContent ?? "");
    }
  };
  new MutationObserver(tell).observe(explorer, { childList: true, subtree: true });
  tell();
}

export default { render };
