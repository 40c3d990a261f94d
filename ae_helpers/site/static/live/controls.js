// What a reader moves: the browser's own sliders, lists and boxes to tick, and the modules that
// JupyterLab mounts as well. Each control has a `value`; sliders also a `min` and a `max`.

let count = 0; // of controls, for their ids

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {string} [classes] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, classes = "", ...children) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...children);
  return made;
}

/**
 * The control of a definition.
 * @param {any} definition @param {() => void} changed called when the reader has moved it
 * @param {(content: any) => void} told called with what a module says, such as an arrow key
 * @returns {any}
 */
export function control(definition, changed, told) {
  const kinds = { slider: Slider, stops: Stops, choice: Choice, switch: Switch, module: Module };
  const Kind = kinds[/** @type {keyof typeof kinds} */ (definition.kind)];
  if (!Kind)
    throw new Error(
      `${definition.name} is a “${definition.kind}”; expected one of ${Object.keys(kinds)}.`,
    );
  return new Kind(definition, changed, told);
}

/** A label, what is moved, and what it says, laid out as ipywidgets' by explorer.css. */
class Labelled {
  /**
   * @param {any} definition @param {string} kind of ipywidgets
   * @param {HTMLInputElement | HTMLSelectElement} moved @param {HTMLElement} around it
   */
  constructor({ label, classes }, kind, moved, around) {
    this.moved = moved;
    moved.id = `ae-control-${(count += 1)}`;
    const name = element("label", "widget-label", label);
    name.htmlFor = moved.id;
    this.element = element("div", ["widget-inline-hbox", kind, ...classes].join(" "), name, around);
  }
}

/** A range input, under its name and its value. */
class Range extends Labelled {
  /** @param {any} definition @param {() => void} changed @param {number[]} ends with the step */
  constructor(definition, changed, [min, max, step]) {
    const track = element("input");
    track.type = "range";
    Object.assign(track, { min, max, step });
    // As in JupyterLab, so that one style fits both.
    const around = element("div", "slider-container", element("div", "noUi-target", track));
    super(definition, "widget-slider", track, around);
    this.readout = element("span", "widget-readout");
    this.readout.ariaHidden = "true"; // the slider says it itself
    around.before(this.readout);
    const taken = () => {
      this.take(track.valueAsNumber);
      changed();
    };
    // The slider jumps to where a finger comes down, which may be about to scroll the page. So the
    // jump counts once the finger moves the slider further, or lifts; if it scrolls, nothing has been.
    let [waits, before] = [false, ""];
    track.addEventListener("pointerdown", ({ pointerType }) => {
      [waits, before] = [pointerType === "touch", track.value];
    });
    track.addEventListener("input", () => (waits ? (waits = false) : taken()));
    track.addEventListener("pointerup", ({ pointerType }) => {
      waits = false;
      if (pointerType === "touch") taken();
    });
    track.addEventListener("pointercancel", () => {
      [waits, track.value] = [false, before];
      taken();
    });
  }

  /** @param {number} _ where the reader has moved it */
  take(_) {}

  /** @param {number} place @param {string} text */
  show(place, text) {
    this.moved.value = `${place}`;
    this.readout.textContent = text;
    this.moved.setAttribute("aria-valuetext", text);
  }
}

/** Numbers, from `min` to `max`. A value beyond is taken to the end, as ipywidgets does. */
class Slider extends Range {
  /** @param {any} definition @param {() => void} changed */
  constructor(definition, changed) {
    const { min, max, step, value, whole } = definition;
    super(definition, changed, [min, max, step]);
    /** @type {number} */
    this.lowest = min;
    /** @type {number} */
    this.highest = max;
    /** @type {boolean} */
    this.whole = whole;
    /** @type {number} */
    this.number = value;
    this.value = value;
  }

  get value() {
    return this.number;
  }
  set value(value) {
    this.number = Math.min(Math.max(value, this.lowest), this.highest);
    const text = this.whole ? `${this.number}` : this.number.toFixed(2);
    this.show(this.number, text.replace("-", "−"));
  }

  get min() {
    return this.lowest;
  }
  set min(min) {
    this.lowest = min;
    /** @type {HTMLInputElement} */ (this.moved).min = `${min}`;
    this.value = this.number;
  }

  get max() {
    return this.highest;
  }
  set max(max) {
    this.highest = max;
    /** @type {HTMLInputElement} */ (this.moved).max = `${max}`;
    this.value = this.number;
  }

  /** @param {number} value */
  take(value) {
    this.value = value;
  }
}

/** A slider that stops at the values of a list, and shows their names. */
class Stops extends Range {
  /** @param {any} definition @param {() => void} changed */
  constructor(definition, changed) {
    super(definition, changed, [0, definition.options.length - 1, 1]);
    /** @type {[string, any][]} */
    this.options = definition.options;
    /** @type {number} */
    this.place = 0;
    this.value = definition.value;
  }

  /** @returns {any} */
  get value() {
    return this.options[this.place][1];
  }
  set value(value) {
    this.place = found(this.options, value);
    this.show(this.place, this.options[this.place][0]);
  }

  /** @param {number} place */
  take(place) {
    this.value = this.options[place][1];
  }
}

/** A list to choose from. */
class Choice extends Labelled {
  /** @param {any} definition @param {() => void} changed */
  constructor(definition, changed) {
    const list = element("select");
    list.append(
      ...definition.options.map((/** @type {[string, any]} */ [name]) =>
        element("option", "", name),
      ),
    );
    super(definition, "widget-dropdown", list, list);
    this.list = list;
    /** @type {[string, any][]} */
    this.options = definition.options;
    this.value = definition.value;
    list.addEventListener("change", changed);
  }

  get value() {
    return this.options[this.list.selectedIndex][1];
  }
  set value(value) {
    this.list.selectedIndex = found(this.options, value);
  }
}

/** @param {[string, any][]} options @param {any} value */
function found(options, value) {
  const place = options.findIndex(([, each]) => each === value);
  if (place < 0)
    throw new Error(
      `${value} can't be chosen; expected one of ${options.map(([, each]) => each)}.`,
    );
  return place;
}

/** On or off. */
class Switch {
  /** @param {any} definition @param {() => void} changed */
  constructor({ label, value }, changed) {
    this.box = element("input");
    this.box.type = "checkbox";
    const labelled = element("label", "widget-label-basic", this.box, element("span", "", label));
    this.element = element("div", "widget-inline-hbox widget-checkbox", labelled);
    this.value = value;
    this.box.addEventListener("change", changed);
  }

  get value() {
    return this.box.checked;
  }
  set value(value) {
    this.box.checked = value;
  }
}

/**
 * A front-end module of `ae_helpers/widgets`, which in JupyterLab anywidget mounts. It sees the
 * model that it knows; behind it there is no kernel, but this page. Bytes are a `DataView` to the
 * module, as there, and a `Uint8Array` to explorers.
 */
class Module {
  /** @param {any} definition @param {() => void} changed @param {(content: any) => void} told */
  constructor({ module, state }, changed, told) {
    this.element = element("div", "ae-module");
    this.state = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name, value?.data ? view(value.data) : value]),
    );
    /** @type {Map<string, Set<() => void>>} */
    this.listeners = new Map();
    this.model = {
      get: (/** @type {string} */ name) => this.state[name],
      set: (/** @type {string} */ name, /** @type {any} */ value) => this.keep(name, value),
      save_changes: changed,
      on: (/** @type {string} */ event, /** @type {() => void} */ listener) =>
        this.heard(event).add(listener),
      off: (/** @type {string} */ event, /** @type {() => void} */ listener) =>
        this.heard(event).delete(listener),
      send: told,
    };
    this.ready = import(`./${module}`).then(({ default: { render } }) =>
      render({ model: this.model, el: this.element }),
    );
  }

  /** @param {string} event */
  heard(event) {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known);
    return known;
  }

  /** @param {string} name @param {any} value */
  keep(name, value) {
    this.state[name] = value;
    for (const listener of this.heard(`change:${name}`)) listener();
  }

  get value() {
    const { value } = this.state;
    if (!(value instanceof DataView)) return value;
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  set value(value) {
    this.keep("value", ArrayBuffer.isView(value) ? view(value) : value);
  }

  /** Lay a picture below what is painted, as a PNG file, which the module takes. @param {import("./pictures.js").Picture} picture */
  set picture({ width, height, data }) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d")?.putImageData(new ImageData(data, width, height), 0, 0);
    const text = atob(canvas.toDataURL("image/png").split(",")[1]);
    this.keep("picture", view(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
  }
}

/** @param {ArrayBufferView} bytes */
const view = ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength);
