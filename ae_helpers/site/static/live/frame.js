// The frame of every explorer that lives in a page, as `ae_helpers/widgets/explorer.py` is in
// JupyterLab: controls, the pictures that they change, a readout, and a voice when something fails.
// Where the page has `<div class="ae-live" data-explorer="NAME">`, it loads the definition, the data
// and `explorers/NAME.js` once the reader comes near, and takes the poster away when all is drawn.

import { control, element } from "./controls.js";
import { load } from "./data.js";
import { arrange } from "./stay.js";

/**
 * @typedef {import("./pictures.js").Picture} Picture
 * @typedef {{ x?: number, y?: number, right?: number, down?: number }} Where
 *   is clicked, in pixels of the picture; or which arrow key was pressed
 * @typedef {{
 *   draw: (values: any) => { pictures: Record<string, Picture>, readout: string },
 *   buttons?: Record<string, () => void>,
 *   click?: Record<string, (where: Where) => void>,
 * }} Parts of an explorer: what draws, what its buttons do, and its clickable panels and modules
 * @typedef {{ default: (data: any, controls: Record<string, any>) => Parts }} ExplorerModule
 */

const GAP = 12; // pixels between pictures side by side, as in explorer.css
const NEAR = "600px 0px"; // an explorer as far from the window begins to load

/** An explorer in the page. */
class Explorer {
  /** @param {any} definition @param {any} data @param {ExplorerModule} module */
  constructor(definition, data, module) {
    /** @type {Record<string, any>} */
    this.controls = {};
    for (const each of definition.controls) {
      this.controls[each.name] = control(
        each,
        () => this.act(),
        (content) => this.tell(each.name, content),
      );
    }
    this.parts = module.default(data, this.controls);
    this.stale = this.resting = false;
    /** @type {Record<string, { canvas: HTMLCanvasElement, picture?: Picture }>} */
    this.panels = {};
    this.alert = element("div");
    this.alert.setAttribute("role", "alert");
    this.readout = element("div");
    this.readout.setAttribute("role", "status");
    this.element = this.laidOut(definition);
  }

  /** Once its modules are there, draw for the first time; whatever fails is thrown. */
  async begin() {
    await Promise.all(Object.values(this.controls).map(({ ready }) => ready));
    await Promise.all(
      Object.entries(this.panels).map(async ([name, panel]) => {
        if (!panel.canvas.dataset.clickable) return;
        const { answering, spoken } = await import(/** @type {string} */ ("./clickable.js"));
        const tell = (/** @type {Where} */ where) => this.tell(name, where);
        answering(panel.canvas, () => panel.canvas.width, tell, tell);
        panel.canvas.setAttribute("aria-label", spoken(panel.canvas.title));
      }),
    );
    this.draw();
  }

  /** Do what a button or a click does, if anything, and draw. @param {() => void} [action] */
  act(action) {
    this.safely(() => {
      action?.();
      this.stale = true;
      this.refresh();
    });
  }

  /** Draw what has changed, at once, but only once for each picture that the browser paints. */
  refresh() {
    if (!this.stale || this.resting) return;
    [this.stale, this.resting] = [false, true];
    requestAnimationFrame(() => {
      this.resting = false;
      this.safely(() => this.refresh());
    });
    this.draw();
  }

  /** @param {string} name of a panel or a control @param {Where} where */
  tell(name, where) {
    this.act(() => this.parts.click?.[name]?.(where));
  }

  /** The reader sees what is thrown; the last pictures stay. @param {() => void} action */
  safely(action) {
    try {
      action();
    } catch (error) {
      this.alert.className = "ae-alert";
      this.alert.textContent = /** @type {Error} */ (error).message;
    }
  }

  draw() {
    const values = Object.fromEntries(
      Object.entries(this.controls).map(([name, { value }]) => [name, value]),
    );
    const { pictures, readout } = this.parts.draw(values);
    for (const [name, panel] of Object.entries(this.panels)) {
      if (!pictures[name])
        throw new Error(`Nothing is drawn for “${name}”, but for ${Object.keys(pictures)}.`);
      paint(panel.canvas, (panel.picture = pictures[name]));
    }
    this.readout.textContent = readout;
    this.alert.className = this.alert.textContent = "";
    return { pictures, readout };
  }

  /** @param {any} definition */
  laidOut({ title, hint, panels, buttons, across }) {
    const about = element("div");
    about.innerHTML = hint; // by the build, from the course's own code
    const shown = panels.map((/** @type {any} */ panel) => this.panel(panel));
    const pictures = element("div", "ae-pictures", ...shown);
    const widths = panels
      .slice(0, across ?? undefined)
      .map((/** @type {any} */ { width }) => width + GAP);
    pictures.style.maxWidth = `${widths.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, -GAP)}px`;
    const settings = element(
      "div",
      "ae-settings",
      element("div", "ae-controls", ...Object.values(this.controls).map((each) => each.element)),
      element(
        "div",
        "ae-buttons",
        ...buttons.map((/** @type {string} */ label) => this.button(label)),
      ),
    );
    return element(
      "div",
      "ae-explorer",
      element("div", "widget-html", element("b", "", title), about),
      element("div", "ae-body", settings, pictures),
      this.alert,
      this.readout,
    );
  }

  /** @param {string} label */
  button(label) {
    const button = element("button", "widget-button", label);
    button.type = "button";
    button.addEventListener("click", () => this.act(this.parts.buttons?.[label]));
    return button;
  }

  /** @param {any} definition */
  panel({ name, alt, width, height, smooth, clickable }) {
    const canvas = element("canvas", smooth ? "ae-picture ae-smooth" : "ae-picture");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", alt);
    canvas.title = alt;
    canvas.style.width = `${width}px`;
    if (height) canvas.style.aspectRatio = `${width} / ${height}`; // else the picture's own
    if (clickable) canvas.dataset.clickable = "true";
    this.panels[name] = { canvas };
    const panel = element("div", "ae-panel", element("div", "widget-label", name), canvas);
    panel.style.width = `calc(var(--ae-scale, 1) * ${width}px)`;
    return panel;
  }
}

// -------------------------------------------------------------------------- pixels, then marks

/** @param {HTMLCanvasElement} canvas @param {Picture} picture */
function paint(canvas, { width, height, data, marks }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.putImageData(new ImageData(data, width, height), 0, 0);
  for (const [kind, ...rest] of marks) MARKS[/** @type {keyof typeof MARKS} */ (kind)](pen, rest);
}

const MARKS = {
  /** Lines of text around a place, or with another anchor. @param {CanvasRenderingContext2D} pen @param {any[]} mark */
  text(pen, [x, y, text, size, colour, anchor]) {
    pen.font = `${size}px "DejaVu Sans", Verdana, sans-serif`;
    pen.fillStyle = colour;
    pen.textAlign = /** @type {any} */ ({ l: "left", m: "center", r: "right" })[anchor[0]];
    pen.textBaseline = "alphabetic";
    const lines = text.split("\n");
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = pen.measureText(text);
    const base = anchor[1] === "m" ? (up - down) / 2 : anchor[1] === "a" ? up : 0;
    lines.forEach((/** @type {string} */ line, /** @type {number} */ i) => {
      pen.fillText(line, x, y + base + (i - (lines.length - 1) / 2) * 1.2 * size);
    });
  },

  /** @param {CanvasRenderingContext2D} pen @param {any[]} mark */
  ellipse(pen, [x0, y0, x1, y1, fill, outline, width]) {
    // Pillow's rim grows inwards, and its ends are pixels, not the lines between them.
    const [across, up] = [(x1 + 1 - x0) / 2, (y1 + 1 - y0) / 2];
    const inset = outline ? width / 2 : 0;
    pen.beginPath();
    pen.ellipse(x0 + across, y0 + up, across - inset, up - inset, 0, 0, 2 * Math.PI);
    if (fill) {
      pen.fillStyle = fill;
      pen.fill();
    }
    if (!outline) return;
    [pen.strokeStyle, pen.lineWidth] = [outline, width];
    pen.stroke();
  },

  /** @param {CanvasRenderingContext2D} pen @param {any[]} mark */
  line(pen, [places, colour, width]) {
    [pen.strokeStyle, pen.lineWidth] = [colour, width];
    pen.beginPath();
    for (let i = 0; i < places.length; i += 2) pen.lineTo(places[i] + 0.5, places[i + 1] + 0.5);
    pen.stroke();
  },
};

// ------------------------------------------------------------------------------- in the page

/**
 * Bring an explorer to life beside its poster.
 * @param {HTMLElement & { live?: Explorer }} hook where it shall be
 */
async function mount(hook) {
  const { explorer: name = "", start = "{}" } = hook.dataset;
  hook.dataset.state = "coming";
  try {
    const [module, { definition, data }] = await Promise.all([
      import(`./explorers/${name}.js`),
      load(name),
    ]);
    const begins = JSON.parse(start);
    const controls = definition.controls.map((/** @type {any} */ each) => ({
      ...each,
      ...begins[each.name],
    }));
    const explorer = new Explorer({ ...definition, controls }, data, module);
    await explorer.begin();
    hook.live = explorer; // for tests, and for whoever looks at it in the browser's console
    hook.prepend(explorer.element);
    hook.dataset.state = "alive";
    arrange(explorer.element);
  } catch (error) {
    const voice = element("p", "ae-alert", /** @type {Error} */ (error).message);
    voice.setAttribute("role", "alert");
    hook.prepend(voice);
    hook.dataset.state = "failed";
  }
}

const coming = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      coming.unobserve(target);
      mount(/** @type {HTMLElement} */ (target));
    }
  },
  { rootMargin: NEAR },
);
for (const hook of document.querySelectorAll(".ae-live")) coming.observe(hook);
