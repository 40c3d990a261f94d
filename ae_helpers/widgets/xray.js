// A picture that answers: a click, or an arrow key, tells Python where it was meant.
const STEPS = {
  ArrowLeft: { right: -1 },
  ArrowRight: { right: 1 },
  ArrowUp: { down: -1 },
  ArrowDown: { down: 1 },
};

function render({ model, el }) {
  const image = document.createElement("img");
  image.className = "ae-picture ae-clickable";
  image.tabIndex = 0;
  image.setAttribute("role", "application"); // a screen reader then leaves us the arrow keys

  function show() {
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(new Blob([model.get("value")], { type: "image/png" }));
  }

  function name() {
    image.title = image.alt = model.get("tooltip") ?? "";
    image.setAttribute("aria-label", `${image.alt} Arrow keys move the choice.`);
  }

  image.addEventListener("click", (event) => {
    const scale = image.naturalWidth / image.clientWidth; // in a narrow window it is smaller
    model.send({ x: Math.floor(event.offsetX * scale), y: Math.floor(event.offsetY * scale) });
  });
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
