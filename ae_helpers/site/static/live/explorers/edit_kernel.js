// Nine weights and what a convolution with them draws, as `kernels.edit_kernel` shows it.

import { format } from "../format.js";
import {
  asImage,
  at,
  blank,
  coloured,
  enlarged,
  frame,
  paste,
  rectangle,
  toFloat,
} from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {import("../pictures.js").Picture} Picture
 * @typedef {{
 *   images: Tensor, labels: Tensor, side: number, kernels: Record<string, string[]>,
 *   trained: Record<string, string[]>, firstTrained: number, look: Record<string, any>,
 *   sizes: number[], advances: Record<number, Record<string, number>>, panels: string[],
 * }} Data
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create(data, controls) {
  const { images, labels, side, kernels, trained, look, panels } = data;
  const [height, width] = images.shape.slice(2);
  let nextTrained = data.firstTrained;

  /** @param {any} values */
  function draw({ kernel, label, number, row, column }) {
    const weights = readKernel(kernel, look.LARGEST);
    const ofClass = [...labels.data.keys()].filter((place) => labels.data[place] === label);
    controls.number.max = ofClass.length - 1; // takes the value along if it is beyond
    const image = toFloat(at(images, ofClass[Math.min(number, ofClass.length - 1)]));
    const output = convolved(image, weights);
    const window = seen(image, row, column);

    let source = blank(width + 2, height + 2, look.PADDING);
    paste(source, asImage(image), 1, 1);
    source = enlarged(source, side);
    frame(source, side, [row, row + 3], [column, column + 3]);
    const target = blank(source.width, source.height);
    paste(target, enlarged(signed(output, [height, width]), side), side, side);
    const rim = [side - 1, side - 1, side * (width + 1), side * (height + 1)];
    rectangle(target, rim, { outline: look.LINES });
    frame(target, side, [row + 1, row + 2], [column + 1, column + 2]);

    const total = output[row * width + column];
    const products = weights.map((weight, place) => (window[place] || 0) * weight);
    const outside = window.filter(Number.isNaN).length;
    const beyond = output.filter((value) => Math.abs(value) > look.SCALE).length;
    let text = `${nameOf(kernel)} Row ${row}, column ${column}: `;
    text += `${products.map(bracketed).join(" + ")} = ${asText(total)}`;
    text += outside ? `; ${outside} of the nine lie outside and count as 0.` : ".";
    text += ` The whole output goes from ${asText(Math.min(...output))} to ${asText(Math.max(...output))}`;
    const lie = beyond === 1 ? "pixel lies" : "pixels lie";
    text += beyond ? `; ${beyond} ${lie} beyond the darkest colours.` : ".";
    const drawn = [source, target, arithmetic(window, weights, products, total)];
    return {
      pictures: Object.fromEntries(panels.map((name, i) => [name, drawn[i]])),
      readout: text,
    };
  }

  /** Where a picture is clicked, or an arrow key pressed. @param {import("../frame.js").Where} where */
  function choose({ x, y, right = 0, down = 0 }) {
    const [row, column] =
      x === undefined || y === undefined
        ? [controls.row.value + down, controls.column.value + right]
        : [Math.floor(y / side) - 1, Math.floor(x / side) - 1];
    controls.row.value = row; // a slider keeps what is beyond it at its end
    controls.column.value = column;
  }

  /** @param {string[]} texts */
  const take = (texts) => (controls.kernel.value = texts);

  function takeTrained() {
    const all = Object.values(trained);
    take(all[nextTrained % all.length]);
    nextTrained += 1;
  }

  /** What the kernel in the fields is, in a sentence. @param {string[]} texts */
  function nameOf(texts) {
    const same = (/** @type {[string, string[]]} */ [, known]) =>
      known.every((text, i) => text === texts[i]);
    const typical = Object.entries(kernels).find(same);
    if (typical) return `Kernel: ${typical[0]}.`;
    const own = Object.entries(trained).find(same);
    if (!own) return "Kernel: your own.";
    return (
      `Kernel: ${own[0]} of a trained encoder, rounded. In its place it reads a feature map of ` +
      "layer 1, not a digit, and its results are added to those of seven others."
    );
  }

  /** @param {ArrayLike<number>} values @param {number[]} shape */
  function signed(values, shape) {
    return coloured({ data: Float64Array.from(values), shape }, "RdBu_r", -look.SCALE, look.SCALE);
  }

  /**
   * Three tables of nine numbers, and the sum of the last: pixels × weights = products → sum.
   * @param {number[]} window @param {number[]} weights @param {number[]} products @param {number} total
   */
  function arithmetic(window, weights, products, total) {
    const { WIDTH, HEIGHT, GAP, SUM } = look;
    const board = blank(9 * WIDTH + 3 * GAP + SUM, 3 * HEIGHT, "white");
    const numbers = window.map((value) => value || 0);
    const pixels = asImage({ data: Float32Array.from(numbers), shape: [3, 3] });
    window.forEach((value, place) => {
      if (Number.isNaN(value))
        paste(pixels, blank(1, 1, look.PADDING), place % 3, Math.floor(place / 3));
    });
    /** @type {[Picture, number[], string][]} */
    const tables = [
      [pixels, numbers, "×"],
      [signed(weights, [3, 3]), weights, "="],
      [signed(products, [3, 3]), products, "→"],
    ];
    let left = 0;
    for (const [colours, values, sign] of tables) {
      values.forEach((value, place) => {
        const [row, column] = [Math.floor(place / 3), place % 3];
        written(
          board,
          left + column * WIDTH,
          row * HEIGHT,
          WIDTH,
          colours.data.subarray(4 * place),
          value,
        );
      });
      left += 3 * WIDTH + GAP;
      board.marks.push(["text", left - GAP / 2, board.height / 2, sign, 16, "black", "mm"]);
    }
    written(board, left, HEIGHT, SUM, signed([total], [1, 1]).data, total);
    return board;
  }

  /**
   * A rectangle with a number in it, in a size in which it fits.
   * @param {Picture} board @param {number} x @param {number} y @param {number} width
   * @param {Uint8ClampedArray} colour @param {number} value
   */
  function written(board, x, y, width, [red, green, blue], value) {
    const colour = `#${[red, green, blue].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    const box = [x, y, x + width - 1, y + look.HEIGHT - 1];
    rectangle(board, box, { fill: colour, outline: look.LINES });
    const text = asText(value);
    const length = (/** @type {number} */ size) =>
      [...text].reduce((sum, letter) => sum + data.advances[size][letter], 0);
    const size = data.sizes.find((each) => length(each) < width - 3) ?? 8;
    const ink = 0.3 * red + 0.6 * green + 0.1 * blue < 128 ? "white" : "black";
    board.marks.push(["text", x + width / 2, y + look.HEIGHT / 2, text, size, ink, "mm"]);
  }

  const buttons = Object.entries(kernels).map(([name, texts]) => [name, () => take(texts)]);
  return {
    draw,
    buttons: { ...Object.fromEntries(buttons), "a trained kernel": takeTrained },
    click: { [panels[0]]: choose, [panels[1]]: choose },
  };
}

/** The nine pixels around a place, row by row; NaN outside of the image. @param {Tensor} image @param {number} row @param {number} column */
function seen({ data, shape }, row, column) {
  const [height, width] = shape.slice(1);
  return Array.from({ length: 9 }, (_, place) => {
    const [y, x] = [row + Math.floor(place / 3) - 1, column + (place % 3) - 1];
    return y >= 0 && y < height && x >= 0 && x < width ? data[y * width + x] : NaN;
  });
}

/** An image convolved with padding 1. @param {Tensor} image `(1, H, W)` @param {number[]} weights */
function convolved(image, weights) {
  const [height, width] = image.shape.slice(1);
  return Float64Array.from({ length: height * width }, (_, place) => {
    const window = seen(image, Math.floor(place / width), place % width);
    return window.reduce((sum, value, i) => sum + (value || 0) * weights[i], 0);
  });
}

/** The weights that stand in the nine fields. @param {string[]} texts @param {number} largest */
function readKernel(texts, largest) {
  return texts.map((text, place) => {
    const [top, ...bottom] = text.replaceAll("−", "-").split("/");
    const weight = number(top) / (bottom.length ? number(bottom.join("/")) : 1);
    if (Math.abs(weight) <= largest) return weight; // which NaN isn't
    const what = text.trim() ? `holds “${text}”` : "is empty";
    throw new Error(
      `The kernel's field in row ${Math.floor(place / 3)}, column ${place % 3} ${what}; expected a ` +
        `number from −${largest} to ${largest}, such as -1, 0.5 or 1/9. Type one there, or choose a ` +
        "kernel by a button. Until then the pictures stay as they were.",
    );
  });
}

/** As Python reads one; else NaN. @param {string} text */
const number = (text) =>
  /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : NaN;

/** With three decimals, but for zeros at the end; a number smaller than that by its size. @param {number} value */
function asText(value) {
  let text = format(value, ".3f").replace(/\.?0+$/, "");
  if (text === "0" || text === "-0") text = value ? format(value, ".0e") : "0";
  return text.replaceAll("-", "−");
}

/** @param {number} value */
function bracketed(value) {
  const text = asText(value);
  return text.startsWith("−") ? `(${text})` : text;
}
