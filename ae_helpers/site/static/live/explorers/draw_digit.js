// A drawing, and what the network makes of it, as `drawing.draw_digit`.

import { clamped, place } from "../charts.js";
import { VERMILION } from "../constants.js";
import { meanSquare } from "../errors.js";
import { format, round } from "../format.js";
import { asImage, at, copied, errorMap, line, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{
 *   model: import("../nn.js").Network, images: Tensor, errors: Tensor,
 *   chart: import("../charts.js").Chart,
 * }} Data
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create({ model, images, errors, chart }, controls) {
  const side = images.shape[2];
  const count = errors.data.length;
  const median = errors.data[Math.floor((count - 1) / 2)]; // they are sorted
  let next = 1; // of the images to be loaded: the first one is there

  /** @param {{ pad: Uint8Array, right: number, down: number }} values */
  function draw({ pad, right, down }) {
    const drawing = { data: pad, width: Math.sqrt(pad.length), height: Math.sqrt(pad.length) };
    const bytes = shifted(asMnist(drawing, side), side, right, down);
    const seen = toFloat({ data: bytes, shape: [1, side, side] });
    const empty = bytes.every((byte) => byte === 0);
    const rebuilt = empty ? seen : at(model.reconstruct(seen), 0);
    const error = empty ? null : meanSquare(seen.data, rebuilt.data);
    const pictures = {
      "what the network sees": asImage(seen),
      "its reconstruction": asImage(rebuilt),
      "squared error": errorMap(seen, rebuilt),
      "its error among those of the test digits": marked(error),
    };
    if (error === null) return { pictures, readout: "The pad is empty: draw a digit." };
    const smaller = errors.data.filter((/** @type {number} */ each) => each < error).length;
    return {
      pictures,
      readout:
        `Error ${format(error, ".4f")} (MSE per pixel), larger than ` +
        `${format(Math.fround(smaller / count), ".0%")} of the errors of the ` +
        `${format(count, ",")} test digits; their median is ${format(median, ".4f")}.`,
    };
  }

  /** Where an error, if any, lies among the others. @param {number | null} error */
  function marked(error) {
    const picture = copied(chart.background);
    if (error === null) return picture;
    const [x, bottom] = place(chart, clamped(error, chart.x.low, chart.x.high), 0);
    line(picture, [x, 0, x, bottom], VERMILION, 3);
    return picture;
  }

  function clear() {
    controls.pad.value = new Uint8Array(controls.pad.value.length);
    controls.right.value = controls.down.value = 0;
  }

  function load() {
    clear();
    const { data } = asImage(at(images, next)); // RGBA
    next = (next + 1) % images.shape[0];
    const wide = Math.sqrt(controls.pad.value.length);
    const from = (/** @type {number} */ to) => Math.floor(((to + 0.5) * side) / wide);
    controls.pad.value = Uint8Array.from({ length: wide * wide }, (_, i) => {
      return data[4 * (from(Math.floor(i / wide)) * side + from(i % wide))];
    });
  }

  /** What an arrow key on the pad does. @param {import("../frame.js").Where} where */
  function move({ right = 0, down = 0 }) {
    controls.right.value += right;
    controls.down.value += down;
  }

  return { draw, buttons: { Clear: clear, "Load a test digit": load }, click: { pad: move } };
}

/** @typedef {{ data: Uint8Array, width: number, height: number }} Grey */

/**
 * A drawing scaled and centred as the makers of MNIST did with theirs.
 * @param {Grey} drawing @param {number} side of the field
 */
function asMnist(drawing, side) {
  const field = new Uint8Array(side * side);
  const whole = cropped(drawing);
  if (!whole) return field;
  const scale = (side * 20) / 28 / Math.max(whole.width, whole.height);
  const [width, height] = [whole.width, whole.height].map((length) =>
    Math.max(round(length * scale), 1),
  );
  const ink = turned(reduced(turned(reduced(whole, width)), height));
  const [down, across] = [new Float64Array(height), new Float64Array(width)];
  ink.data.forEach((byte, i) => {
    down[Math.floor(i / width)] += byte;
    across[i % width] += byte;
  });
  const [top, left] = [down, across].map((profile) => {
    const mass = profile.reduce((sum, here) => sum + here, 0);
    const moment = profile.reduce((sum, here, i) => sum + here * i, 0);
    return clamped(round(side / 2 - moment / Math.max(mass, 1)), 0, side - profile.length);
  });
  for (let y = 0; y < height; y++) {
    field.set(ink.data.subarray(y * width, (y + 1) * width), (top + y) * side + left);
  }
  return field;
}

/** The smallest rectangle around what is drawn, if anything. @param {Grey} drawing @returns {Grey | null} */
function cropped({ data, width, height }) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  data.forEach((byte, i) => {
    if (!byte) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  });
  if (right < 0) return null;
  const size = { width: right - left + 1, height: bottom - top + 1 };
  const ink = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    const start = (top + y) * width + left;
    ink.set(data.subarray(start, start + size.width), y * size.width);
  }
  return { data: ink, ...size };
}

/**
 * Rows scaled to another width, each pixel the mean of those that it covers: Pillow's BOX filter,
 * which computes with weights in 22 bits and rounds to bytes after rows, and again after columns.
 * @param {Grey} picture @param {number} width @returns {Grey}
 */
function reduced(picture, width) {
  if (width === picture.width) return picture;
  const scale = picture.width / width;
  const wide = Math.max(scale, 1); // where it grows, each pixel is the nearest one
  const data = new Uint8Array(width * picture.height);
  for (let x = 0; x < width; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - wide / 2 + 0.5), 0);
    const end = Math.min(Math.trunc(centre + wide / 2 + 0.5), picture.width);
    const covered = [];
    for (let i = first; i < end; i++) {
      const distance = (i - centre + 0.5) * (1 / wide);
      if (distance > -0.5 && distance <= 0.5) covered.push(i);
    }
    const weight = Math.trunc(0.5 + (1 / covered.length) * 2 ** 22);
    for (let y = 0; y < picture.height; y++) {
      const sum = covered.reduce((total, i) => total + picture.data[y * picture.width + i], 0);
      data[y * width + x] = Math.min((sum * weight + 2 ** 21) >> 22, 255);
    }
  }
  return { data, width, height: picture.height };
}

/** Rows as columns. @param {Grey} picture @returns {Grey} */
function turned({ data, width, height }) {
  const other = data.map((_, i) => data[(i % height) * width + Math.floor(i / height)]);
  return { data: other, width: height, height: width };
}

/** A square moved by whole pixels, black coming in. @param {Uint8Array} data @param {number} side @param {number} right @param {number} down */
function shifted(data, side, right, down) {
  return data.map((_, i) => {
    const [x, y] = [(i % side) - right, Math.floor(i / side) - down];
    return x >= 0 && x < side && y >= 0 && y < side ? data[y * side + x] : 0;
  });
}
