// What the explorers of convolutions share, as `ae_helpers/widgets/convolutions.py` has it.

import { blank, coloured, enlarged, line, numbered, paste, rectangle, rgba } from "./pictures.js";

/**
 * @typedef {import("./pictures.js").Picture} Picture
 * @typedef {{ board: number, lines: string, kinds: string[] }} Look
 *   the side of a board, the colour of its lines, and those of the kinds of squares
 * @typedef {{ numbers: Int32Array, side: number }} Counts of a square board, row by row
 */

/**
 * In how many of the windows each place of a line lies.
 * @param {number} windows @param {number} kernelSize @param {number} stride @param {number} length
 */
export function covered(windows, kernelSize, stride, length) {
  const places = new Int32Array(length);
  for (let start = 0; start < windows * stride; start += stride) {
    for (let place = start; place < Math.min(start + kernelSize, length); place += 1)
      places[place] += 1;
  }
  return places;
}

/** Each number of one line times each of another. @param {Int32Array} rows @param {Int32Array} columns */
export function outer(rows, columns) {
  return Int32Array.from({ length: rows.length * columns.length }, (_, place) => {
    return rows[Math.floor(place / columns.length)] * columns[place % columns.length];
  });
}

/** @param {number} low @param {number} high */
export function times(low, high) {
  if (low === high) return low === 1 ? "once" : `${low} times`;
  return low ? `${low} (dark) to ${high} (yellow) times` : `0 to ${high} times`;
}

/** The smallest and the largest. @param {Int32Array} numbers */
export const ends = (numbers) => [Math.min(...numbers), Math.max(...numbers)];

/**
 * Squares of four kinds: padding, pixel, each unseen (0, 1) or seen (2, 3).
 * @param {ArrayLike<number>} kinds row by row @param {number} side @param {Look} look
 */
export function painted(kinds, side, look) {
  const picture = blank(side, side);
  const colours = look.kinds.map(rgba);
  for (let place = 0; place < kinds.length; place += 1)
    picture.data.set(colours[kinds[place]], 4 * place);
  return picture;
}

/** Counts as colours from 0 to `high`; white where there is nothing to count. @param {Counts} counts @param {number} high */
export function counted({ numbers, side }, high) {
  const picture = coloured({ data: numbers, shape: [side, side] }, "viridis", 0, high);
  numbers.forEach((number, place) => number || picture.data.fill(255, 4 * place, 4 * place + 4));
  return picture;
}

/**
 * A board on which `squares` of equal size fit side by side, with lines between them.
 * @param {Picture} colours @param {number} squares @param {Look} look
 * @param {ArrayLike<number>} [numbers] to be written in the squares
 */
export function board(colours, squares, look, numbers) {
  const side = Math.floor(look.board / squares);
  const picture = blank(look.board + 1, look.board + 1);
  paste(picture, numbers ? numbered(colours, numbers, side) : enlarged(colours, side));
  if (side < 5) return picture;
  const [right, bottom] = [colours.width * side, colours.height * side];
  for (let x = 0; x <= right; x += side) line(picture, [x, 0, x, bottom], look.lines);
  for (let y = 0; y <= bottom; y += side) line(picture, [0, y, right, y], look.lines);
  return picture;
}

/** An empty board that says why it is empty. @param {string} text @param {Look} look */
export function nothing(text, look) {
  const picture = blank(look.board + 1, look.board + 1, "white");
  rectangle(picture, [0, 0, look.board, look.board], { outline: look.lines });
  picture.marks.push(["text", look.board / 2, look.board / 2, text, 16, "black", "mm"]);
  return picture;
}
