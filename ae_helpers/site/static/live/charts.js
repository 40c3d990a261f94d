// Where numbers lie in a chart that the build has drawn, as `Axis` of `widgets/pictures.py`.

/**
 * @typedef {{ low: number, high: number, start: number, end: number, log: boolean }} Axis
 *   the number `low` lies at the pixel `start`, `high` at `end`
 * @typedef {{ background: import("./pictures.js").Picture, x: Axis, y: Axis }} Chart
 */

/** @param {Axis} axis @param {number} value */
function along({ low, high, start, end, log }, value) {
  const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return start + share * (end - start);
}

/**
 * The pixel of a place; of one above or below the chart, that at its border.
 * @param {Chart} chart @param {number} x @param {number} y
 * @returns {[number, number]}
 */
export function place(chart, x, y) {
  return [along(chart.x, x), along(chart.y, clamped(y, chart.y.low, chart.y.high))];
}

/** The nearest number from `low` to `high`. @param {number} value @param {number} low @param {number} high */
export const clamped = (value, low, high) => Math.min(Math.max(value, low), high);
