// The digits, and the numbers that they are made of, as `digits.browse_digits`.

import { clamped } from "../charts.js";
import { ORANGE } from "../constants.js";
import { format } from "../format.js";
import { asImage, at, enlarged, numbered, outline } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{ images: Tensor, labels: Tensor }} Part
 * @typedef {{ parts: Record<string, Part>, around: number, panel: number }} Data
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create({ parts, around, panel }, controls) {
  const [height, width] = parts.training.images.shape.slice(2);
  const side = Math.max(Math.floor(panel / Math.max(height, width)), 1);
  const size = Math.min(around, height, width);
  const totals = Object.fromEntries(
    Object.entries(parts).map(([part, { images, labels }]) => {
      return [part, Array.from(labels.data, (_, index) => total(at(images, index)))];
    }),
  );

  /** @param {{ part: string, label: string | number, number: number, row: number, column: number }} values */
  function draw({ part, label, number, row, column }) {
    const { images, labels } = parts[part];
    const chosen = indicesOf(labels, label);
    controls.number.max = chosen.length - 1; // takes the value along if it is beyond
    const place = Math.min(number, chosen.length - 1);
    const index = chosen[place];
    const { data } = at(images, index);

    const top = clamped(row - Math.floor(size / 2), 0, height - size);
    const left = clamped(column - Math.floor(size / 2), 0, width - size);
    const near = Uint8Array.from({ length: size * size }, (_, i) => {
      return data[(top + Math.floor(i / size)) * width + left + (i % size)];
    });
    const whole = enlarged(asImage({ data, shape: [height, width] }), side);
    outline(whole, side, top, left, size, size, ORANGE);
    const square = Math.floor(panel / size);
    const numbers = numbered(asImage({ data: near, shape: [size, size] }), near, square);
    outline(numbers, square, row - top, column - left, 1, 1, ORANGE);

    const kind = label === "any" ? `${part} images` : `${part} images of class ${label}`;
    const black = data.filter((/** @type {number} */ byte) => byte === 0).length;
    const all = chosen.reduce((sum, each) => sum + totals[part][each], 0);
    const value = data[row * width + column];
    return {
      pictures: { digit: whole, "pixel values in the frame": numbers },
      readout:
        `Number ${format(place, ",")} (0 to ${format(chosen.length - 1, ",")}) of the ${kind}: ` +
        `index ${format(index, ",")} of the set, label ${labels.data[index]}. Its pixels go from ` +
        `${Math.min(...data)} to ${Math.max(...data)}, mean ` +
        `${format(Math.fround(totals[part][index] / data.length), ".1f")}; ` +
        `${format(Math.fround(black / data.length), ".0%")} are exactly 0, black. The mean of all ` +
        `${format(chosen.length, ",")} is ` +
        `${format(all / (data.length * chosen.length), ".1f")}. Row ${row}, column ${column}: ` +
        `${value}, as a fraction of 255 ${format(value / 255, ".3f")}.`,
    };
  }

  /** Where the digit is clicked, or an arrow key pressed. @param {import("../frame.js").Where} where */
  function choose({ x, y, right = 0, down = 0 }) {
    const [row, column] =
      x === undefined || y === undefined
        ? [controls.row.value + down, controls.column.value + right]
        : [Math.floor(y / side), Math.floor(x / side)];
    controls.row.value = row; // a slider keeps what is beyond it at its end
    controls.column.value = column;
  }

  return { draw, click: { digit: choose } };
}

/** Which images of a set are of a class, or all of them. @param {Tensor} labels @param {string | number} label */
function indicesOf({ data }, label) {
  return [...data.keys()].filter((index) => label === "any" || data[index] === label);
}

/** The sum of its pixels. @param {Tensor} image */
function total({ data }) {
  let sum = 0;
  for (const byte of data) sum += byte;
  return sum;
}
