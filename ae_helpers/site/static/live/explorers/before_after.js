// A wipe from one network's reconstruction to another's, as `reconstructions.before_after`.

import { SKY } from "../constants.js";
import { format, round } from "../format.js";
import { asImage, at, copied, enlarged, errorMap, line, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {import("../pictures.js").Picture} Picture
 * @typedef {{ model: import("../nn.js").Network, errors: Tensor, mean: number }} Side
 *   a network, its error on each image, and the mean of all
 * @typedef {{
 *   before: Side, after: Side, images: Tensor, orders: string[], panel: number, wiped: string,
 * }} Data
 */

/** @param {Data} data */
export default function create({ before, after, images, orders, panel, wiped }) {
  const [count, , height, width] = images.shape;
  const side = Math.max(Math.floor(panel / Math.max(height, width)), 1);
  const inSet = Array.from({ length: count }, (_, index) => index);
  const bestFirst = inSet.toSorted((a, b) => after.errors.data[a] - after.errors.data[b]);
  const indices = [inSet, bestFirst, bestFirst.toReversed()];
  /** @type {{ index?: number, maps?: boolean, pictures: Picture[] }} */
  let last = { pictures: [] };

  /** The reconstructions by both networks, or their error maps. @param {number} index @param {boolean} maps */
  function shown(index, maps) {
    if (last.index === index && last.maps === maps) return last.pictures;
    const image = toFloat(at(images, index));
    const pictures = [before, after].map(({ model }) => {
      const rebuilt = at(model.reconstruct(image), 0);
      return enlarged(maps ? errorMap(image, rebuilt) : asImage(rebuilt), side);
    });
    last = { index, maps, pictures };
    return pictures;
  }

  /** @param {{ right: number, order: string, number: number, maps: boolean }} values */
  function draw({ right, order, number, maps }) {
    const index = indices[orders.indexOf(order)][number];
    const rank = format(bestFirst.indexOf(index) + 1, ",");
    const [old, now] = [before, after].map(({ errors }) => format(errors.data[index], ".4f"));
    const [oldMean, nowMean] = [before, after].map(({ mean }) => format(mean, ".4f"));
    const [left, over] = shown(index, maps);
    return {
      pictures: {
        original: enlarged(asImage(at(images, index)), side),
        [wiped]: wipe(left, over, right / 100),
      },
      readout:
        `Image ${index}: error ${old} before, ${now} after (MSE per pixel), rank ${rank} of ` +
        `${format(count, ",")} from the best. Mean of all: ${oldMean} before, ${nowMean} after.`,
    };
  }
  return { draw };
}

/**
 * The left part of one picture and the right part, a `share` of the width, of another.
 * @param {Picture} left @param {Picture} right @param {number} share
 */
function wipe(left, right, share) {
  const picture = copied(left);
  const { width, height } = picture;
  const x = round((1 - share) * width);
  for (let y = 0; y < height; y += 1) {
    const [start, end] = [4 * (y * width + x), 4 * (y + 1) * width];
    picture.data.set(right.data.subarray(start, end), start);
  }
  line(picture, [x, 0, x, height], SKY, 2);
  return picture;
}
