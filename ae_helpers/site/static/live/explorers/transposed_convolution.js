// A transposed convolution, stamp by stamp, as `convolutions.transposed_convolution` shows it.

import { ORANGE } from "../constants.js";
import { board, counted, covered, ends, nothing, outer, painted, times } from "../convolutions.js";
import { outline, rgba } from "../pictures.js";

/** @param {{ look: import("../convolutions.js").Look, cropped: string }} data @param {Record<string, any>} controls */
export default function create({ look, cropped }, controls) {
  /** @param {Record<string, number>} values */
  function draw({ n, kernel_size: k, stride, padding, output_padding: more, stamps: laid }) {
    controls.stamps.max = n * n; // takes the value along if it is beyond
    const stamps = Math.min(laid, n * n);
    const size = (n - 1) * stride - 2 * padding + k + more;
    const length = Math.max((n - 1) * stride + k, padding + size);
    const [soFar, every] = [stamps, n * n].map((count) => stamped(count, n, k, stride, length));
    const high = ends(every)[1];
    const possible = size >= 1 && more < stride;
    const [first, last] = possible ? [padding, padding + size] : [0, 0];

    const done = Uint8Array.from({ length: n * n }, (_, place) => (place < stamps ? 1 : 0));
    if (stamps) done[stamps - 1] = 3;
    const source = board(painted(done, n, look), length, look);
    const colours = counted({ numbers: soFar, side: length }, high);
    fade(
      colours,
      cropped,
      (row, column) => Math.min(row, column) < first || Math.max(row, column) >= last,
    );
    const canvas = board(colours, length, look);
    const side = Math.floor(look.board / length);
    if (possible) outline(canvas, side, padding, padding, size, size, "black");
    const [row, column] = [Math.floor((stamps - 1) / n), (stamps - 1) % n];
    if (stamps) outline(canvas, side, row * stride, column * stride, k, k, ORANGE);

    const rule = `(${n} − 1)·${stride} − 2·${padding} + ${k} + ${more} = ${size}`.replaceAll(
      "-",
      "−",
    );
    let target, text;
    if (possible) {
      const counts = Int32Array.from({ length: size * size }, (_, place) => {
        return every[(padding + Math.floor(place / size)) * length + padding + (place % size)];
      });
      target = board(counted({ numbers: counts, side: size }, high), length, look, counts);
      const stamp = `Stamp ${stamps} of ${n * n} comes from row ${row}, column ${column} of the input.`;
      text = `the output is ${size}×${size}. ${stamps ? stamp : "No stamp is laid yet."} `;
      text += overlaps(ends(counts), k, stride);
    } else {
      target = nothing("no output:\nread why below", look);
      text = `impossible. ${why(n, k, stride, padding, more)}`;
    }
    const pictures = {
      input: source,
      "canvas with the stamps so far": canvas,
      "output: all stamps, counted": target,
    };
    return { pictures, readout: `${rule}: ${text}` };
  }

  return { draw };
}

/**
 * How many of the first stamps, laid row by row, lie on each square of the canvas.
 * @param {number} stamps @param {number} n @param {number} k @param {number} stride @param {number} length
 */
function stamped(stamps, n, k, stride, length) {
  const rows = Math.floor(stamps / n); // whole rows of stamps, and one that is begun
  const [whole, begun, full, rest] = [rows, rows + 1, n, stamps % n].map((windows) =>
    covered(windows, k, stride, length),
  );
  const added = outer(
    begun.map((count, place) => count - whole[place]),
    rest,
  );
  return outer(whole, full).map((count, place) => count + added[place]);
}

/**
 * Let squares fade into a colour, as `Image.blend` does.
 * @param {import("../pictures.js").Picture} picture @param {string} colour
 * @param {(row: number, column: number) => boolean} where
 */
function fade({ width, data }, colour, where) {
  const [into, share] = [rgba(colour), Math.fround(0.65)];
  for (let i = 0; i < data.length; i += 1) {
    const place = Math.floor(i / 4);
    if (i % 4 === 3 || !where(Math.floor(place / width), place % width)) continue;
    data[i] = Math.trunc(Math.fround(data[i] + Math.fround(share * (into[i % 4] - data[i]))));
  }
}

/** @param {number[]} ends @param {number} k @param {number} stride */
function overlaps([low, high], k, stride) {
  const text = `In the end an output pixel is stamped ${times(low, high)}`;
  if (low === high) return `${text}: evenly.`;
  if (k % stride) return `${text}, unevenly: k = ${k} is not a multiple of s = ${stride}.`;
  return `${text}: evenly but for the rim.`;
}

/** @param {number} n @param {number} k @param {number} stride @param {number} padding @param {number} more */
function why(n, k, stride, padding, more) {
  if (more >= stride) {
    return (
      `output_padding ${more} is not smaller than stride ${stride}: a convolution with that stride ` +
      `lumps only ${stride} size${stride > 1 ? "s" : ""} together. Take an output_padding of at ` +
      `most ${stride - 1}, or a larger stride.`
    );
  }
  const most = Math.floor(((n - 1) * stride + k + more - 1) / 2);
  return (
    `The crop of ${padding} on each side leaves nothing of the canvas. Take a padding of at most ` +
    `${most}, or more or larger stamps.`
  );
}
