// A convolution's sizes, as `convolutions.size_rule` shows them.

import { VERMILION } from "../constants.js";
import { board, counted, covered, ends, nothing, outer, painted, times } from "../convolutions.js";
import { outline } from "../pictures.js";

/** @param {{ look: import("../convolutions.js").Look }} data @param {Record<string, any>} controls */
export default function create({ look }, controls) {
  /** @param {Record<string, number>} values */
  function draw({ n, kernel_size: k, stride, padding }) {
    const padded = n + 2 * padding;
    const size = Math.floor((padded - k) / stride) + 1;
    const squares = Math.max(padded, k);
    const inside = new Uint8Array(padded * padded);
    for (let row = padding; row < padding + n; row += 1) {
      inside.fill(1, row * padded + padding, row * padded + padding + n);
    }
    const windows = covered(Math.max(size, 0), k, stride, padded).slice(padding, padding + n);
    const seen = outer(windows, windows);
    const rule =
      `⌊(${n} + 2·${padding} − ${k})/${stride}⌋ + 1 = ⌊${padded - k}/${stride}⌋ + 1 = ${size}`.replaceAll(
        "-",
        "−",
      );
    let source, target, readout;
    if (size < 1) {
      source = board(painted(inside, padded, look), squares, look);
      outline(source, Math.floor(look.board / squares), 0, 0, k, k, VERMILION);
      target = nothing("no output:\nthe kernel does not fit", look);
      readout =
        `${rule}: impossible. A kernel of ${k} does not fit into ${n} + 2·${padding} = ${padded} ` +
        `pixels. Take a kernel_size of at most ${padded}, or a padding of at least ` +
        `${-Math.floor((n - k) / 2)}.`;
    } else {
      controls.row.max = controls.column.max = size - 1; // takes along a value beyond
      const [row, column] = [controls.row.value, controls.column.value];
      const counts = [0, 0]; // of what the window sees: padding, pixels
      for (let y = row * stride; y < row * stride + k; y += 1) {
        for (let x = column * stride; x < column * stride + k; x += 1) {
          counts[inside[y * padded + x]] += 1;
          inside[y * padded + x] += 2; // now 2 is padding that is seen, 3 a pixel that is seen
        }
      }
      source = board(painted(inside, padded, look), squares, look);
      const chosen = new Uint8Array(size * size).fill(1);
      chosen[row * size + column] = 3;
      target = board(painted(chosen, size, look), squares, look);
      const [rim, pixels] = counts;
      const sight = `${pixels} pixel${pixels === 1 ? "" : "s"} of the input${rim ? " and padding" : ""}`;
      readout =
        `${rule}: the output is ${size}×${size}. Its pixel in row ${row}, column ${column} sees ` +
        `${pixels ? sight : "padding only"}. ${seenText(seen, n, k, stride, padding)}`;
    }
    const colours = counted({ numbers: seen, side: n }, ends(seen)[1]);
    const pictures = {
      "input in its padding": source,
      output: target,
      "how often each pixel is seen": board(colours, n, look, seen),
    };
    return { pictures, readout };
  }

  return { draw };
}

/** @param {Int32Array} seen @param {number} n @param {number} k @param {number} stride @param {number} padding */
function seenText(seen, n, k, stride, padding) {
  const [low, high] = ends(seen);
  const never = seen.filter((count) => count === 0).length;
  const lost = (n + 2 * padding - k) % stride; // rows that the floor rounds away
  let text = `A pixel of the input is seen ${times(low, high)}.`;
  if (lost) {
    const last = lost === 1 ? "row and column" : `${lost} rows and columns`;
    const where = lost <= padding ? ": padding" : `, ${lost - padding} of each in the image`;
    text += ` The floor drops the last ${last}${where}.`;
  }
  if (stride > k) text += ` A stride larger than the kernel jumps over ${stride - k} each time.`;
  return never ? `${text} ${never} of ${n * n} pixels are never seen (white).` : text;
}
