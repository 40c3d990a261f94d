// A plane of codes to drag through, as `vae.vae_plane`.

import { clamped, place } from "../charts.js";
import { format, round } from "../format.js";
import { nearest as nearestOf } from "../neighbours.js";
import { asImage, at, copied } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{
 *   model: import("../nn.js").Network, codes: Tensor, labels: Tensor,
 *   chart: import("../charts.js").Chart, reach: number, step: number, nearest: number,
 * }} Data
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create({ model, codes, labels, chart, reach, step, nearest }, controls) {
  const [left, top] = place(chart, -reach, reach);
  const scale = (place(chart, reach, 0)[0] - left) / (2 * reach); // pixels for 1

  /** @param {{ x: number, y: number }} values */
  function draw({ x, y }) {
    const here = Float32Array.of(x, y);
    const found = nearestOf(codes, here, nearest);
    return {
      pictures: {
        "plane of codes: drag here": marked(x, y),
        decoded: asImage(at(model.decode({ data: here, shape: [2] }), 0)),
      },
      readout:
        `At (${format(x, ".2f")}, ${format(y, ".2f")}) the nearest test code is ` +
        `${format(found[0].distance, ".2f")} away. Labels of the ${found.length} nearest: ` +
        `${counted(found.map(({ index }) => labels.data[index]))}.`,
    };
  }

  /** @param {number} x @param {number} y */
  function marked(x, y) {
    const picture = copied(chart.background);
    const [across, down] = place(chart, x, y);
    for (const [radius, colour, width] of /** @type {[number, string, number][]} */ ([
      [11, "white", 7],
      [9, "black", 3],
    ])) {
      const box = [-radius, radius].flatMap((away) => [across + away, down + away]);
      picture.marks.push(["ellipse", ...box, null, colour, width]);
    }
    return picture;
  }

  /** A place on an axis in whole steps of a slider, within its ends. @param {number} pixels from its beginning */
  function rounded(pixels) {
    return nine(clamped(round((pixels / scale - reach) / step) * step, -reach, reach));
  }

  /** @param {import("../frame.js").Where} where */
  function go({ x, y, right = 0, down = 0 }) {
    const sliders = [controls.x, controls.y];
    if (x !== undefined && y !== undefined) {
      [controls.x.value, controls.y.value] = [rounded(x - left), 0 - rounded(y - top)];
      return;
    }
    [right, -down].forEach((steps, axis) => {
      sliders[axis].value = nine(sliders[axis].value + 2 * step * steps);
    });
  }

  return { draw, click: { "plane of codes: drag here": go } };
}

/** To nine digits after the point. @param {number} value */
const nine = (value) => Number(format(value, ".9f"));

/** Which labels there are, and how many of each, the most first. @param {number[]} labels */
function counted(labels) {
  /** @type {number[]} */
  const counts = [];
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([label, count]) => `${count}× “${label}”`)
    .join(", ");
}
