// A picture that answers: a click, a drag or an arrow key tells Python where it was meant.

/**
 * Make a picture answer.
 * @param {HTMLElement} picture
 * @param {() => number} width how many pixels of its own it is wide
 * @param {(place: {x: number, y: number}) => void} point called where it is clicked or dragged
 * @param {(step: {right?: number, down?: number}) => void} step called when an arrow key is pressed
 */
export function answering(picture, width, point, step) {
  let held = false; // whether the pointer is down
  picture.classList.add("ae-picture", "ae-clickable");
  picture.tabIndex = 0;
  picture.draggable = false; // else the browser would carry the picture itself away
  picture.setAttribute("role", "application"); // a screen reader then leaves us the arrow keys

  /** @param {PointerEvent} event */
  function tell(event) {
    const scale = width() / picture.clientWidth; // in a narrow window it is smaller
    const [x, y] = [event.offsetX, event.offsetY].map((length) => Math.floor(length * scale));
    point({ x, y });
  }

  picture.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    picture.setPointerCapture(event.pointerId); // the drag goes on outside
    held = true;
    tell(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (held && event.isPrimary) tell(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, () => (held = false));
  }
  picture.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    step(STEPS[event.key]);
    event.preventDefault(); // the page would scroll
  });
}

/** What a screen reader says of such a picture. @param {string} alt */
export const spoken = (alt) => `${alt} Arrow keys move the choice.`;

/** @param {{ model: any, el: HTMLElement }} view as anywidget hands it over */
function render({ model, el }) {
  const image = document.createElement("img");
  let width = 0; // of the picture, in its own pixels
  let underway = false; // whether Python has still to answer the last place
  /** @type {any} */
  let next = null; // where the pointer has got to meanwhile

  function show() {
    const file = model.get("value"); // a DataView
    // As the file itself says: the browser knows no size before it has loaded the picture.
    [width, image.height] = [file.getUint32(16), file.getUint32(20)];
    image.width = width;
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(new Blob([file], { type: "image/png" }));
  }

  function name() {
    image.title = image.alt = model.get("tooltip") ?? "";
    image.setAttribute("aria-label", spoken(image.alt));
  }

  /** @param {any} place */
  function send(place) {
    underway = true;
    const status = (/** @type {any} */ { content }) =>
      content.execution_state === "idle" && answered();
    model.send(place, { iopub: { status } });
  }

  function answered() {
    underway = false;
    if (next) send(next);
    next = null;
  }

  answering(
    image,
    () => width,
    (place) => (underway ? (next = place) : send(place)),
    (step) => model.send(step),
  );

  model.on("change:value", show);
  model.on("change:tooltip", name);
  show();
  name();
  el.appendChild(image);
  return () => {
    model.off("change:value", show);
    model.off("change:tooltip", name);
    URL.revokeObjectURL(image.src);
  };
}

export default { render };
