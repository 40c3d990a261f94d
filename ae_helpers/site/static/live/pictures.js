// Pictures as `ae_helpers/widgets/pictures.py` makes them, pixel by pixel. What Pillow draws by
// fonts or with soft edges is kept as a mark instead, which the frame draws on the canvas.

import { COLOURMAPS, ERROR_MAX, VERMILION } from "./constants.js"; // written by the build
import { round } from "./format.js";

/**
 * @typedef {{ data: Float32Array | Float64Array | Uint8Array | Int32Array, shape: number[] }} Tensor
 * @typedef {{ width: number, height: number, data: Uint8ClampedArray<ArrayBuffer>, marks: any[][] }} Picture
 *   `data` is RGBA. Marks: `["text", x, y, text, size, colour, anchor]`,
 *   `["ellipse", x0, y0, x1, y1, fill, outline, width]`, `["line", [x, y, x, y, …], colour, width]`.
 */

/** The bytes of "#RRGGBB" or "#RRGGBBAA". @param {string} colour @returns {number[]} */
export function rgba(colour) {
  const named = { white: "#FFFFFF", black: "#000000" }[colour] ?? colour;
  if (!/^#([0-9a-f]{6}|[0-9a-f]{8})$/i.test(named)) {
    throw new Error(`The colour is “${colour}”; expected #RRGGBB, #RRGGBBAA, black or white.`);
  }
  const bytes = named.slice(1).match(/../g) ?? [];
  return [...bytes.map((byte) => parseInt(byte, 16)), 255].slice(0, 4);
}

/**
 * An empty picture of one colour.
 * @param {number} width @param {number} height @param {string} [colour] by default transparent
 * @returns {Picture}
 */
export function blank(width, height, colour = "#FFFFFF00") {
  const picture = { width, height, data: new Uint8ClampedArray(4 * width * height), marks: [] };
  new Uint32Array(picture.data.buffer).fill(word(colour));
  return picture;
}

/** A colour as the four bytes of a pixel, in one number. @param {string} colour */
const word = (colour) => new Uint32Array(Uint8Array.from(rgba(colour)).buffer)[0];

/** One picture to change, another to keep. @param {Picture} picture @returns {Picture} */
export function copied({ width, height, data, marks }) {
  return { width, height, data: data.slice(), marks: [...marks] };
}

/**
 * Lay `picture` on `board`, opaque or not, in place of what was there.
 * @param {Picture} board @param {Picture} picture @param {number} [x] @param {number} [y]
 */
export function paste(board, picture, x = 0, y = 0) {
  const [from, to] = [picture, board].map(({ data }) => new Uint32Array(data.buffer));
  const columns = Math.min(picture.width, board.width - x);
  for (let row = 0; row < Math.min(picture.height, board.height - y); row += 1) {
    const line = from.subarray(row * picture.width, row * picture.width + columns);
    to.set(line, (y + row) * board.width + x);
  }
  board.marks.push(...picture.marks.map((mark) => moved(mark, x, y)));
}

/** A mark so many pixels further to the right and down. @param {any[]} mark @param {number} x @param {number} y */
function moved([kind, ...rest], x, y) {
  if (kind === "line") {
    const [places, ...others] = rest;
    return [
      kind,
      places.map((/** @type {number} */ at, /** @type {number} */ i) => at + (i % 2 ? y : x)),
      ...others,
    ];
  }
  const places = kind === "ellipse" ? 4 : 2;
  return [kind, ...rest.map((value, i) => (i < places ? value + (i % 2 ? y : x) : value))];
}

/**
 * One of many: `images[index]`, without a copy.
 * @param {Tensor} tensor @param {number} index @returns {Tensor}
 */
export function at({ data, shape: [count, ...shape] }, index) {
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new Error(`There is no image ${index}; expected a number from 0 to ${count - 1}.`);
  }
  const size = shape.reduce((product, length) => product * length, 1);
  return { data: data.subarray(index * size, (index + 1) * size), shape };
}

/**
 * Some of many, `images[indices]`, in [0, 1].
 * @param {Tensor} images @param {number[]} indices @returns {Tensor}
 */
export function some(images, indices) {
  const shape = images.shape.slice(1);
  const size = shape.reduce((product, length) => product * length, 1);
  const data = new Float32Array(indices.length * size);
  indices.forEach((index, i) => data.set(toFloat(at(images, index)).data, i * size));
  return { data, shape: [indices.length, ...shape] };
}

/** In [0, 1], as networks take it. @param {Tensor} tensor @returns {Tensor} */
export function toFloat({ data, shape }) {
  if (!(data instanceof Uint8Array)) return { data, shape };
  return { data: new Float32Array(data).map((byte) => byte / 255), shape };
}

/**
 * An image, `(H, W)` or `(1, H, W)` in grey, `(3, H, W)` in RGB; `uint8` or in [0, 1].
 * @param {Tensor} image @returns {Picture}
 */
export function asImage({ data, shape }) {
  const [height, width] = shape.slice(-2);
  const channels = shape.length === 3 ? shape[0] : 1;
  if (![2, 3].includes(shape.length) || ![1, 3].includes(channels)) {
    throw new Error(`An image has shape (${shape}); expected 1 channel or 3.`);
  }
  const picture = blank(width, height, "#000000");
  const size = width * height;
  const bytes = data instanceof Uint8Array;
  for (let place = 0; place < size; place += 1) {
    for (let colour = 0; colour < 3; colour += 1) {
      const value = data[place + (channels === 3 ? colour * size : 0)];
      picture.data[4 * place + colour] = bytes ? value : level(value);
    }
  }
  return picture;
}

/** A share of 1 as a byte, by the float32 arithmetic of torch. @param {number} share */
const level = (share) => round(Math.fround(Math.min(Math.max(share, 0), 1) * 255));

/** Where between its ends a number lies, as a byte. @param {number} value @param {number} low @param {number} range */
const scaled = (value, low, range) =>
  level(Math.fround(Math.fround(Math.fround(value) - low) / range));

/**
 * Numbers, `(H, W)`, as colours: `low` and all below is the first one of the map.
 * @param {Tensor} values @param {string} colourmap @param {number} low @param {number} high
 * @returns {Picture}
 */
export function coloured({ data, shape }, colourmap, low, high) {
  const table = colours(colourmap);
  const [first, range] = [Math.fround(low), Math.fround(Math.max(high - low, 1e-12))];
  const picture = blank(shape[1], shape[0]);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let place = 0; place < pixels.length; place += 1) {
    pixels[place] = table[scaled(data[place], first, range)];
  }
  return picture;
}

/** @type {Record<string, Uint32Array>} */
const tables = {};

/** The 256 colours of a map. @param {string} name */
function colours(name) {
  const given = /** @type {Record<string, string>} */ (COLOURMAPS)[name];
  if (!given)
    throw new Error(`No colour map is called “${name}”; there are ${Object.keys(COLOURMAPS)}.`);
  tables[name] ??= Uint32Array.from(given.match(/.{6}/g) ?? [], (digits) => word(`#${digits}`));
  return tables[name];
}

/**
 * Squared errors, the mean of all channels: white is 0, darkest from `ERROR_MAX` on.
 * @param {Tensor} image `(C, H, W)` @param {Tensor} rebuilt `(C, H, W)` @returns {Picture}
 */
export function errorMap(image, rebuilt) {
  const [first, second] = [toFloat(image).data, toFloat(rebuilt).data];
  const [channels, height, width] = image.shape;
  const errors = new Float32Array(height * width);
  for (let place = 0; place < first.length; place += 1) {
    const difference = Math.fround(first[place] - second[place]);
    errors[place % errors.length] += Math.fround(difference * difference);
  }
  const means = errors.map((sum) => sum / channels);
  return coloured({ data: means, shape: [height, width] }, "Oranges", 0, ERROR_MAX);
}

/**
 * The first images, side by side, row by row; what is left over is transparent.
 * @param {Tensor} images `(N, C, H, W)` @param {number} rows @param {number} columns
 * @param {number} [below] pixels between rows @param {number} [beside] pixels between columns
 * @returns {Picture}
 */
export function tiles(images, rows, columns, below = 1, beside = 1) {
  const [count, , height, width] = images.shape;
  const board = blank(columns * (width + beside) - beside, rows * (height + below) - below);
  for (let number = 0; number < Math.min(count, rows * columns); number += 1) {
    const [row, column] = [Math.floor(number / columns), number % columns];
    paste(board, asImage(at(images, number)), column * (width + beside), row * (height + below));
  }
  return board;
}

/** Each pixel becomes a square of `factor` pixels. @param {Picture} picture @param {number} factor */
export function enlarged(picture, factor) {
  const large = blank(picture.width * factor, picture.height * factor);
  const [from, to] = [picture, large].map(({ data }) => new Uint32Array(data.buffer));
  for (let y = 0; y < large.height; y += 1) {
    const row = Math.floor(y / factor) * picture.width;
    for (let x = 0; x < large.width; x += 1) {
      to[y * large.width + x] = from[row + Math.floor(x / factor)];
    }
  }
  return large;
}

/** The brightness of a pixel, as Pillow's `convert("L")`. @param {Picture} picture @param {number} place */
export function luminance({ data }, place) {
  const [red, green, blue] = data.subarray(4 * place, 4 * place + 3);
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

// ------------------------------------------------------------------- rectangles, lines, frames

/** Fill a block of pixels, ends included, as far as the picture goes. @param {Picture} picture @param {number[]} box @param {string} colour */
function fill(picture, [x0, y0, x1, y1], colour) {
  const [pixels, ink] = [new Uint32Array(picture.data.buffer), word(colour)];
  const { width, height } = picture;
  for (let y = Math.max(y0, 0); y <= Math.min(y1, height - 1); y += 1) {
    pixels.fill(ink, y * width + Math.max(x0, 0), y * width + Math.min(x1, width - 1) + 1);
  }
}

/**
 * A rectangle as `ImageDraw.rectangle` draws it: both ends belong to it, its rim grows inwards.
 * (One that is smaller than its rim is wide Pillow draws otherwise; nobody needs it.)
 * @param {Picture} picture
 * @param {number[]} box `x0, y0, x1, y1`
 * @param {{ fill?: string, outline?: string, width?: number }} colours
 */
export function rectangle(picture, box, { fill: inside, outline: rim, width = 1 }) {
  const [x0, y0, x1, y1] = box.map(Math.trunc);
  if (inside) fill(picture, [x0, y0, x1, y1], inside);
  if (!rim || rim === inside) return;
  fill(picture, [x0, y0, x1, y0 + width - 1], rim);
  fill(picture, [x0, y1 - width + 1, x1, y1], rim);
  fill(picture, [x0, y0, x0 + width - 1, y1], rim);
  fill(picture, [x1 - width + 1, y0, x1, y1], rim);
}

/**
 * A line parallel to an axis as `ImageDraw.line` draws it, ends included.
 * @param {Picture} picture @param {number[]} ends `x0, y0, x1, y1`
 * @param {string} colour @param {number} [width]
 */
export function line(picture, ends, colour, width = 1) {
  const [x0, y0, x1, y1] = ends.map(Math.trunc);
  if (x0 !== x1 && y0 !== y1) throw new Error(`The line ${ends} is slanted: make it a mark.`);
  const upright = x0 === x1;
  // Of an even width, the wider half is on the far side, if the line goes forwards.
  const halves = [Math.floor((width - 1) / 2), Math.ceil((width - 1) / 2)];
  const [before, after] = x1 < x0 || y1 < y0 ? halves.reverse() : halves;
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  const box = upright
    ? [left - before, top, right + after, bottom]
    : [left, top - before, right, bottom + after];
  fill(picture, box, colour);
}

/**
 * Frame a block of squares, `side` pixels each, three pixels thick, as `digits.outline`.
 * @param {Picture} picture @param {number} side @param {number} top @param {number} left
 * @param {number} height @param {number} width @param {string} colour
 */
export function outline(picture, side, top, left, height, width, colour) {
  const box = [left * side, top * side, (left + width) * side - 1, (top + height) * side - 1];
  rectangle(picture, box, { outline: colour, width: 3 });
}

/**
 * A frame around squares, not on them, as `feature_maps.frame`.
 * @param {Picture} picture @param {number} side
 * @param {[number, number]} rows from, and up to but without @param {[number, number]} columns
 */
export function frame(picture, side, rows, columns) {
  for (const [distance, colour] of /** @type {[number, string][]} */ ([
    [3, "white"],
    [2, VERMILION],
    [1, VERMILION],
  ])) {
    const inside = 2 - distance; // at the rim of the picture, where there is no room outside
    const [top, left] = [rows, columns].map(([first]) => Math.max(first * side - distance, inside));
    const end = (/** @type {[number, number]} */ places, /** @type {number} */ length) =>
      Math.min(places[1] * side + distance, length - inside) - 1;
    const [bottom, right] = [end(rows, picture.height), end(columns, picture.width)];
    rectangle(picture, [left, top, right, bottom], { outline: colour });
  }
}

/**
 * Each pixel becomes a square with its value written in it, if it has room, as `digits.numbered`.
 * @param {Picture} picture @param {ArrayLike<number>} values @param {number} side
 * @returns {Picture}
 */
export function numbered(picture, values, side) {
  const squares = enlarged(picture, side);
  if (side < 13) return squares; // nobody could read it
  const size = Math.min(Math.floor((side * 2) / 5) + 2, 14);
  for (let place = 0; place < values.length; place += 1) {
    const [row, column] = [Math.floor(place / picture.width), place % picture.width];
    const ink = luminance(picture, place) < 128 ? "white" : "black";
    const middle = [(column + 0.5) * side, (row + 0.5) * side];
    squares.marks.push(["text", ...middle, `${values[place]}`, size, ink, "mm"]);
  }
  return squares;
}
