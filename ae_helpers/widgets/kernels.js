// Nine fields for the weights of a kernel. What is typed goes to Python as text, which says what is
// wrong with it; a number that is only begun, such as "-", waits until the field is left.
/** @type {Record<string, number>} */
const STEPS = { ArrowUp: 0.1, ArrowDown: -0.1, PageUp: 1, PageDown: -1 };
const ENDS = /[0-9]\s*$/; // as numbers do, and what is begun doesn't

/** @param {{ model: any, el: HTMLElement }} view as anywidget hands it over */
function render({ model, el }) {
  const table = document.createElement("div");
  table.className = "ae-kernel";
  table.setAttribute("role", "group");
  table.setAttribute("aria-label", model.get("description"));
  const name = document.createElement("div");
  name.textContent = model.get("description");
  table.append(name);

  /** @type {HTMLInputElement[]} */
  const fields = model.get("value").map((/** @type {string} */ _, /** @type {number} */ place) => {
    const field = document.createElement("input");
    field.setAttribute("aria-label", `row ${Math.floor(place / 3)}, column ${place % 3}`);
    field.autocomplete = "off";
    field.spellcheck = false;
    field.addEventListener("input", () => ENDS.test(field.value) && send());
    field.addEventListener("change", send); // Enter, or the field is left
    field.addEventListener("focus", () => field.select()); // what is typed takes its place
    field.addEventListener("keydown", (event) => {
      if (!(event.key in STEPS)) return;
      event.preventDefault(); // the page would scroll
      const [top, bottom = 1] = field.value.replace("−", "-").split("/").map(Number);
      const next = top / bottom + STEPS[event.key];
      if (!Number.isFinite(next)) return;
      field.value = `${Number(next.toFixed(3))}`;
      field.select();
      send();
    });
    table.append(field);
    return field;
  });

  function show() {
    const texts = model.get("value");
    fields.forEach((field, place) => {
      if (field.value !== texts[place]) field.value = texts[place];
    });
  }

  function send() {
    model.set(
      "value",
      fields.map((field) => field.value),
    );
    model.save_changes();
  }

  model.on("change:value", show);
  show();
  el.appendChild(table);
  return () => model.off("change:value", show);
}

export default { render };
