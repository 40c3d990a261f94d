// A picture that answers: a click, a drag or an arrow key tells Python where it was meant.

function render({ model, el }) {
  const image = document.createElement("img");
  image.className = "ae-picture ae-clickable";
  image.tabIndex = 0;
  image.draggable = false; // else the browser would carry the picture itself away
  image.setAttribute("role", "application"); // a screen reader then leaves us the arrow keys
  let width = 0; // of the picture, in its own pixels
  let held = false; // whether the pointer is down
  let underway = false; // whether Python has still to answer the last place
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
    image.setAttribute("aria-label", `${image.alt} Arrow keys move the choice.`);
  }

  function send(place) {
    underway = true;
    const status = ({ content }) => content.execution_state === "idle" && answered();
    model.send(place, { iopub: { status } });
  }

  function answered() {
    underway = false;
    if (next) send(next);
    next = null;
  }

  function tell(event) {
    const scale = width / image.clientWidth; // in a narrow window it is smaller
    const [x, y] = [event.offsetX, event.offsetY].map((length) => Math.floor(length * scale));
    if (underway) next = { x, y };
    else send({ x, y });
  }

  image.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    image.setPointerCapture(event.pointerId); // the drag goes on outside
    held = true;
    tell(event);
  });
  image.addEventListener("pointermove", (event) => {
    if (held && event.isPrimary) tell(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    image.addEventListener(end, () => (held = false));
  }
  image.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    model.send(STEPS[event.key]);
    event.preventDefault(); // the page would scroll
  });

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
