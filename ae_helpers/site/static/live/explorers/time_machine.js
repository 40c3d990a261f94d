// The same digits epoch by epoch, and the loss curve, as `reconstructions.time_machine`.

import { place } from "../charts.js";
import { BLUE, VERMILION } from "../constants.js";
import { format } from "../format.js";
import { at, copied, line, tiles, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{
 *   images: Tensor, rebuilt: Tensor, trainErrors: number[], testErrors: number[],
 *   sticks: Record<string, number>, columns: number, chart: import("../charts.js").Chart,
 * }} Data of the errors of the test digits, the first is that before the first epoch
 */

/** @param {Data} data */
export default function create({
  images,
  rebuilt,
  trainErrors,
  testErrors,
  sticks,
  columns,
  chart,
}) {
  const digits = `the same ${images.shape[0]} digits: original, and below it reconstructed`;

  /** @param {{ epoch: number }} values */
  function draw({ epoch }) {
    const error = testErrors[epoch];
    let text = `Epoch ${epoch} of ${trainErrors.length}: test error ${format(error, ".4f")}`;
    if (epoch) text += `, train error ${format(trainErrors[epoch - 1], ".4f")}`;
    return {
      pictures: {
        [digits]: pairs(images, at(rebuilt, epoch), columns),
        "loss curve": marked(epoch, error),
      },
      readout: `${text} (MSE per pixel). ${nextStick(error, sticks)}`,
    };
  }

  /** A line through an epoch, and a ring around its error. @param {number} epoch @param {number} error */
  function marked(epoch, error) {
    const picture = copied(chart.background);
    const [x, y] = place(chart, epoch, error);
    const ends = [...place(chart, epoch, 0), ...place(chart, epoch, Infinity)];
    line(picture, ends, VERMILION, 2);
    picture.marks.push(["ellipse", x - 7, y - 7, x + 7, y + 7, BLUE, VERMILION, 3]);
    return picture;
  }

  return { draw };
}

/**
 * Each image, in grey, above its reconstruction, so many side by side, with gaps between the rows.
 * @param {Tensor} images @param {Tensor} rebuilt @param {number} most
 */
function pairs(images, rebuilt, most) {
  const [count, , height, width] = images.shape;
  const size = height * width;
  const data = new Float32Array(2 * count * size);
  for (let number = 0; number < count; number += 1) {
    data.set(toFloat(at(images, number)).data, 2 * number * size);
    data.set(toFloat(at(rebuilt, number)).data, (2 * number + 1) * size);
  }
  const columns = Math.min(most, count);
  const shape = [count, 1, 2 * height, width];
  return tiles({ data, shape }, Math.ceil(count / columns), columns, 3, 0);
}

/** @param {number} error @param {Record<string, number>} sticks */
function nextStick(error, sticks) {
  const below = Object.entries(sticks).filter(([, stick]) => stick < error);
  if (!below.length) return `It is below all measuring sticks: ${Object.keys(sticks).join(", ")}.`;
  const [name, stick] = below.reduce((one, other) => (other[1] > one[1] ? other : one));
  return `The next measuring stick is ${name}, at ${format(stick, ".4f")}.`;
}
