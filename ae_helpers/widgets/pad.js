// A black square to draw on with a white pen; what is drawn goes to Python as grey bytes.
const SIDE = 280; // ten pixels for each of a digit's 28, as in pad.py
const PEN = 22; // as thick as the strokes of MNIST, once a drawing is scaled down
const STEPS = {
  ArrowLeft: { right: -1 },
  ArrowRight: { right: 1 },
  ArrowUp: { down: -1 },
  ArrowDown: { down: 1 },
};

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  canvas.className = "ae-pad";
  canvas.width = canvas.height = SIDE;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application"); // a screen reader then leaves us the arrow keys
  canvas.setAttribute("aria-label", `${model.get("description")}: arrow keys shift the drawing`);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.lineWidth = PEN;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "white";
  let from = null; // where the pen was last, while it is down
  let theirs = true; // whether Python put the picture there
  let waiting = false;

  function wipe() {
    pen.fillStyle = "black";
    pen.fillRect(0, 0, SIDE, SIDE);
  }

  function show() {
    const bytes = model.get("value"); // a DataView
    const grey = new Uint8Array(bytes.buffer, bytes.byteOffset, SIDE * SIDE);
    const pixels = pen.createImageData(SIDE, SIDE);
    grey.forEach((level, i) => pixels.data.set([level, level, level, 255], 4 * i));
    pen.putImageData(pixels, 0, 0);
    theirs = true;
  }

  function send() {
    waiting = false;
    const grey = pen.getImageData(0, 0, SIDE, SIDE).data.filter((_, i) => i % 4 === 0);
    model.off("change:value", show); // it is on the canvas already
    model.set("value", new DataView(grey.buffer));
    model.on("change:value", show);
    model.save_changes();
  }

  function draw(event) {
    if (!from || !event.isPrimary) return; // one finger draws
    pen.beginPath();
    pen.moveTo(...from);
    from = [event.offsetX, event.offsetY];
    pen.lineTo(...from);
    pen.stroke();
    if (!waiting) requestAnimationFrame(send); // once per frame is as often as anybody sees
    waiting = true;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    if (theirs) wipe(); // a stroke begins a drawing of one's own
    theirs = false;
    canvas.setPointerCapture(event.pointerId); // the stroke goes on outside
    from = [event.offsetX, event.offsetY];
    draw(event); // a dot
  });
  canvas.addEventListener("pointermove", draw);
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => (from = null));
  }
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    model.send(STEPS[event.key]);
    event.preventDefault(); // the page would scroll
  });

  model.on("change:value", show);
  show();
  el.appendChild(canvas);
  return () => model.off("change:value", show);
}

export default { render };
