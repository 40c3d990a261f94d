// A detector, the false alarms that are accepted, and what it catches, as
// `applications.set_threshold`.

import { clamped, place } from "../charts.js";
import { VERMILION } from "../constants.js";
import { format } from "../format.js";
import { copied, line, some, tiles } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {import("../charts.js").Chart} Chart
 * @typedef {{ scores: Tensor, histogram: Chart, roc: Chart, area: number }} Detector
 *   its scores, the higher the stranger; two charts, and the area under the second one's curve
 * @typedef {{
 *   detectors: Record<string, Detector>, unknown: Tensor, images: Tensor, rows: number,
 * }} Data
 */

/** @param {Data} data */
export default function create({ detectors, unknown, images, rows }) {
  const strange = Array.from(unknown.data, Boolean);
  const all = strange.filter(Boolean).length;

  /** @param {{ detector: string, accepted: number }} values */
  function draw({ detector, accepted }) {
    const {
      scores: { data: scores },
      histogram,
      roc,
      area,
    } = detectors[detector];
    const known = scores
      .filter((/** @type {number} */ _, /** @type {number} */ i) => !strange[i])
      .sort();
    // The score that the accepted share of the known ones, rounded down, is above.
    const threshold = known[known.length - 1 - Math.trunc((accepted / 100) * known.length)];
    const places = strange.map((_, i) => i);
    const caught = places.filter((i) => strange[i] && scores[i] > threshold).length;
    const missed = places.filter((i) => strange[i] && scores[i] <= threshold);
    const wrong = places.filter((i) => !strange[i] && scores[i] > threshold);
    const [right, falsely] = [Math.fround(caught / all), Math.fround(wrong.length / known.length)];
    return {
      pictures: {
        scores: lined(histogram, threshold),
        "ROC curve": dotted(roc, falsely, right),
        missed: chosen(missed.sort((a, b) => scores[a] - scores[b])),
        "false alarms": chosen(wrong.sort((a, b) => scores[b] - scores[a])),
      },
      readout:
        `${detector}, threshold ${format(threshold, ".4g")}: ${caught} of ${all} unknown caught ` +
        `(${format(right, ".1%")}), ${wrong.length} of ${known.length} known are false alarms ` +
        `(${format(falsely, ".1%")}). Area under the curve: ${format(area, ".3f")} (0.5 for ` +
        "guessing, 1 for perfect).",
    };
  }

  /** As many of these images as there is room for. @param {number[]} places */
  const chosen = (places) => tiles(some(images, places.slice(0, rows * rows)), rows, rows);

  return { draw };
}

/** A line at a score; at the end of the chart for one beyond. @param {Chart} chart @param {number} score */
function lined(chart, score) {
  const picture = copied(chart.background);
  const x = clamped(score, chart.x.low, chart.x.high);
  line(picture, [...place(chart, x, 0), ...place(chart, x, Infinity)], VERMILION, 3);
  return picture;
}

/** A dot. @param {Chart} chart @param {number} x @param {number} y */
function dotted(chart, x, y) {
  const picture = copied(chart.background);
  const [right, down] = place(chart, x, y);
  picture.marks.push(["ellipse", right - 6, down - 6, right + 6, down + 6, VERMILION, "white", 2]);
  return picture;
}
