// What test_controls.py asks of a page: where the parts of explorers are, and what they answer.

const PATIENCE = 5_000; // milliseconds until an explorer must have answered

const frame = () => new Promise(requestAnimationFrame);
const isPad = (part) => part.matches(".ae-pad");

/** A number for all that stands on a canvas; other pixels give, as good as always, another one. */
function sum(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Uint32Array(data.buffer).reduce((all, pixel) => (31 * all + pixel) | 0, 0);
}

const shown = ({ live }) => [
  live.readout.textContent,
  ...Object.values(live.panels).map(({ canvas }) => sum(canvas)),
];
const same = (one, other) => one.every((each, i) => each === other[i]);

/** Where a part is, once the page no longer scrolls: it does so smoothly to what gets the focus. */
async function still(part) {
  for (let box = part.getBoundingClientRect(); ;) {
    await frame();
    const { top } = box;
    box = part.getBoundingClientRect();
    if (box.top === top) return box;
  }
}

/** Wait until a part has the focus, which a finger gives a moment after it has lifted. */
async function focus(part) {
  const late = performance.now() + PATIENCE;
  while (document.activeElement !== part) {
    if (performance.now() > late)
      throw new Error(`the focus is on ${document.activeElement.outerHTML}`);
    await frame();
  }
}

let before; // of what is moved next: its setting, and what its explorer shows

const reader = {
  /** Note where an explorer's pictures are pressed. How many parts does its definition speak of? */
  watch({ live }) {
    const { tell } = live;
    live.tell = (panel, where) => {
      live.told = where; // for `meant`
      tell.call(live, panel, where);
    };
    const fields = ({ value }) => (Array.isArray(value) ? value.length : 1);
    const controls = Object.values(live.controls).map(fields);
    const others = live.element.querySelectorAll(".ae-buttons > *, [data-clickable]");
    return controls.reduce((sum, each) => sum + each, others.length);
  },

  /** The name of its explorer, what kind of part it is, and its own name. */
  described(part, hook) {
    const kinds = { range: "slider", text: "field", "select-one": "list" };
    const picture = isPad(part) ? "pad" : "picture";
    return [
      hook.dataset.explorer,
      part.tagName === "CANVAS" ? picture : (kinds[part.type] ?? part.type),
      part.ariaLabel ?? part.labels?.[0]?.textContent ?? part.textContent,
    ];
  },

  /** What the reader has set a part to; buttons and pictures have nothing of their own. */
  setting(part) {
    if (isPad(part)) return sum(part);
    return part.type === "checkbox" ? part.checked : part.value;
  },

  /** Where a share of a part is in the window, once all of it is, and nothing lies over it. */
  async at(part, _, right, down) {
    const { left, width, top, bottom } = await still(part);
    const seen = (y) => document.elementFromPoint(left + width / 2, y) === part;
    // It may lie outside, or below what stays.
    if (!seen(top + 1) || !seen(bottom - 1))
      part.scrollIntoView({ block: "center", behavior: "instant" });
    const box = await still(part);
    const [x, y] = [box.left + right * box.width, box.top + down * box.height];
    const there = document.elementFromPoint(Math.max(x, box.left + 1), y);
    if (there !== part) throw new Error(`${there?.outerHTML} lies over it`);
    return [x, y];
  },

  /** From where to where a slider's handle is dragged: to the other half, as shares of its width. */
  way(track) {
    const [low, high, value] = [track.min, track.max, track.value].map(Number);
    if (low >= high) throw new Error("it can't be moved");
    const share = (value - low) / (high - low);
    const half = 8 / track.clientWidth; // of the handle, which stops inside of the track
    return [share, share > 0.5 ? 0.3 : 0.7].map((to) => half + to * (1 - 2 * half));
  },

  /** Which arrow key moves a slider, or changes a list. */
  arrow(part) {
    if (part.tagName === "SELECT") return part.selectedIndex ? "ArrowUp" : "ArrowDown";
    return Number(part.value) < Number(part.max) ? "ArrowRight" : "ArrowLeft";
  },

  /** Which keys choose from a list that a pointer has opened (it lies outside of the page), or type. */
  async chosen(part) {
    await focus(part);
    if (part.tagName === "SELECT") return [reader.arrow(part), "Enter"];
    return part.type === "text" ? [part.value === "1" ? "2" : "1"] : [];
  },

  /** What a picture answers to beside the key to the right. */
  other_key: (part) => (part.ariaLabel.endsWith("space covers") ? "Space" : "ArrowDown"),

  focused(part) {
    if (document.activeElement !== part)
      throw new Error(`the focus is on ${document.activeElement.outerHTML}`);
    if (parseFloat(getComputedStyle(part).outlineWidth) < 2) throw new Error("no ring is seen");
  },

  note(part, hook) {
    before = [reader.setting(part), shown(hook)];
  },

  /** Wait for an answer to what has happened since `note`. */
  async answered(part, hook, silent) {
    const late = performance.now() + PATIENCE;
    for (;;) {
      await frame();
      if (hook.live.alert.textContent) throw new Error(hook.live.alert.textContent);
      if (hook.live.stale) continue;
      const moved = !part.matches("input, select") || reader.setting(part) !== before[0];
      const drawn = silent || !same(shown(hook), before[1]);
      if (moved && drawn) return;
      if (performance.now() > late)
        throw new Error(moved ? "nothing else is shown" : "it has not moved");
    }
  },

  /** Wait until whatever was to be drawn is drawn, and note it. */
  async settled(part, hook) {
    for (let i = 0; i < 3; i++) await frame();
    reader.note(part, hook);
  },

  /** Since `note` nothing has happened. */
  async unmoved(part, hook) {
    for (let i = 0; i < 3; i++) await frame();
    if (reader.setting(part) !== before[0] || !same(shown(hook), before[1]))
      throw new Error("it answered to what wasn't meant for it");
  },

  /** What was pressed last is what was meant: there is ink, or the explorer was told that place. */
  meant(part, hook, right, down) {
    const [x, y] = [right * part.width, down * part.height];
    if (isPad(part)) {
      if (part.getContext("2d").getImageData(x, y, 1, 1).data[3]) return;
      throw new Error(`there is no ink at ${[x, y]}`);
    }
    const { told } = hook.live;
    const pixel = 1 + part.width / part.clientWidth;
    if (Math.max(Math.abs(told.x - x), Math.abs(told.y - y)) > pixel)
      throw new Error(`it was told ${JSON.stringify(told)}; expected ${[x, y]}`);
  },
};

window.reader = reader;
