// A black square to draw on with a white pen, or a picture to cover with a brush. What is drawn
// goes to Python as bytes: how opaque each pixel of the canvas is.
const SIDE = 280; // ten pixels for each of a digit's 28, as in drawing.py
const PEN = { colour: "white", width: 22 }; // as MNIST's strokes, once a drawing is scaled down
const BRUSH = { colour: "#D55E00", width: 50 };
const STEP = 10; // of the brush, by an arrow key

/** @param {number} length */
const share = (length) => `${(100 * length) / SIDE}%`; // of the pad, however large it is shown

/** @param {{ model: any, el: HTMLElement }} view as anywidget hands it over */
function render({ model, el }) {
  const covers = model.get("picture") !== undefined; // it is a Brush
  const tool = covers ? BRUSH : PEN;
  const canvas = document.createElement("canvas");
  canvas.className = "ae-pad";
  canvas.width = canvas.height = SIDE;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application"); // a screen reader then leaves us the arrow keys
  const keys = covers ? "arrow keys move the brush, space covers" : "arrow keys shift the drawing";
  canvas.setAttribute("aria-label", `${model.get("description")}: ${keys}`);
  const pen = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  pen.lineWidth = tool.width;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = pen.fillStyle = tool.colour;
  const ring = document.createElement("span"); // where the brush is that keys move
  ring.className = "ae-brush";
  ring.style.width = share(tool.width);
  /** @type {[number, number]} */
  let brush = [SIDE / 2, SIDE / 2];
  let pressed = false; // whether the space bar is down
  /** @type {[number, number] | null} */
  let from = null; // where the pen was last, while it is down
  let theirs = true; // whether Python put the drawing there
  let waiting = false;
  let url = ""; // of the picture below

  function show() {
    const bytes = model.get("value"); // a DataView
    const levels = new Uint8Array(bytes.buffer, bytes.byteOffset, SIDE * SIDE);
    pen.fillRect(0, 0, SIDE, SIDE);
    const pixels = pen.getImageData(0, 0, SIDE, SIDE);
    levels.forEach((level, i) => (pixels.data[4 * i + 3] = level));
    pen.putImageData(pixels, 0, 0);
    theirs = true;
  }

  function showPicture() {
    const [old, image] = [url, new Image()];
    url = URL.createObjectURL(new Blob([model.get("picture")], { type: "image/png" }));
    image.onload = () => {
      canvas.style.backgroundImage = `url(${image.src})`; // not before: it would flicker
      URL.revokeObjectURL(old);
    };
    image.src = url;
  }

  function send() {
    waiting = false;
    const { data } = pen.getImageData(0, 0, SIDE, SIDE);
    const levels = new Uint8Array(SIDE * SIDE).map((_, i) => data[4 * i + 3]);
    model.off("change:value", show); // it is on the canvas already
    model.set("value", new DataView(levels.buffer));
    model.on("change:value", show);
    model.save_changes();
  }

  /** @param {[number, number]} start @param {[number, number]} end */
  function line(start, end) {
    if (theirs && !covers) pen.clearRect(0, 0, SIDE, SIDE); // a drawing of one's own begins
    theirs = false;
    pen.beginPath();
    pen.moveTo(...start);
    pen.lineTo(...end);
    pen.stroke();
    pen.beginPath();
    pen.arc(...end, tool.width / 2, 0, 2 * Math.PI); // a line without length leaves no dot
    pen.fill();
    if (!waiting) requestAnimationFrame(send); // once per frame is as often as anybody sees
    waiting = true;
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  function place(event) {
    const scale = SIDE / canvas.clientWidth; // in a narrow window it is smaller
    return [event.offsetX * scale, event.offsetY * scale];
  }

  /** @param {PointerEvent} event */
  function draw(event) {
    if (!from || !event.isPrimary) return; // one finger draws
    const to = place(event);
    line(from, to);
    from = to;
  }

  function moveBrush({ right = 0, down = 0 }) {
    const within = (/** @type {number} */ place) =>
      Math.min(Math.max(place, STEP / 2), SIDE - STEP / 2);
    /** @type {[number, number]} */
    const to = [within(brush[0] + STEP * right), within(brush[1] + STEP * down)];
    if (pressed) line(brush, to);
    brush = to;
    [ring.style.left, ring.style.top] = brush.map(share);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId); // the stroke goes on outside
    from = place(event);
    draw(event); // a dot
  });
  canvas.addEventListener("pointermove", draw);
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => (from = null));
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.key in STEPS) {
      if (covers) moveBrush(STEPS[event.key]);
      else model.send(STEPS[event.key]);
    } else if (covers && event.key === " ") {
      pressed = true;
      line(brush, brush);
    } else return;
    event.preventDefault(); // the page would scroll
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key === " ") pressed = false;
  });
  canvas.addEventListener("blur", () => (pressed = false));

  model.on("change:value", show);
  show();
  const paper = document.createElement("div");
  paper.className = "ae-paper";
  paper.append(canvas);
  if (covers) {
    paper.append(ring);
    moveBrush({});
    model.on("change:picture", showPicture);
    showPicture();
  }
  el.appendChild(paper);
  return () => {
    model.off("change:value", show);
    model.off("change:picture", showPicture);
    URL.revokeObjectURL(url);
  };
}

export default { render };
