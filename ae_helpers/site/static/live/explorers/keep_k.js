// Only the first k coordinates of a code, and of the pixels, as `latent.keep_k`.

import { place } from "../charts.js";
import { meanSquare } from "../errors.js";
import { digitName, format } from "../format.js";
import { coordinates, pointOf } from "../pca.js";
import { asImage, at, copied, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {import("../pca.js").Directions} Directions
 * @typedef {{
 *   model: import("../nn.js").Network, images: Tensor, labels: Tensor | null,
 *   ofCodes: Directions, ofPixels: Directions, means: Record<string, Tensor>,
 *   chart: import("../charts.js").Chart, pens: Record<string, string>,
 * }} Data of the images with which the build has measured `means`, by the number of numbers kept
 */

/** @param {Data} data */
export default function create({ model, images, labels, ofCodes, ofPixels, means, chart, pens }) {
  /** @param {{ k: number, digit: number }} values */
  function draw({ k, digit }) {
    const image = toFloat(at(images, digit));
    /** @param {Directions} directions @param {Tensor} point */
    const kept = (directions, { data }) =>
      pointOf(directions, coordinates(directions, data).subarray(0, k));
    /** @type {Record<string, Tensor>} */
    const restored = {
      code: at(model.decode(kept(ofCodes, model.encode(image))), 0),
      PCA: { data: kept(ofPixels, image).data, shape: image.shape },
    };
    const picture = copied(chart.background);
    /** @type {Record<string, string>} */
    const own = {};
    for (const [name, colour] of Object.entries(pens)) {
      const error = meanSquare(image.data, restored[name].data);
      own[name] = format(error, ".4f");
      for (const [value, fill] of [
        [means[name].data[k], colour],
        [error, "white"],
      ]) {
        const [x, y] = place(chart, k, /** @type {number} */ (value));
        picture.marks.push(["ellipse", x - 5, y - 5, x + 5, y + 5, fill, colour, 2]);
      }
    }
    const [ofCode, ofPca] = ["code", "PCA"].map((name) => format(means[name].data[k], ".4f"));
    return {
      pictures: {
        original: asImage(image),
        "from the code": asImage(restored.code),
        "PCA of the pixels": asImage(restored.PCA),
        error: picture,
      },
      readout:
        `${k} of ${model.latentSize} numbers kept: the error of ${digitName(digit, labels)} is ` +
        `${own.code} from the code, ${own.PCA} by PCA of the pixels; on average over ` +
        `${images.shape[0]} digits ${ofCode} and ${ofPca}.`,
    };
  }
  return { draw };
}
