// One digit through many networks, and PCA beside them, as `architectures.architecture_picker`.

import { meanSquare } from "../errors.js";
import { digitName, format } from "../format.js";
import { coordinates, pointOf } from "../pca.js";
import { asImage, at, errorMap, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{ size: number, price: string, mean: number, meanPca: number,
 *   model: import("../nn.js").Network | null }} Side
 *   how many numbers a network's code has, what it costs, the mean of its errors, and of PCA's with
 *   as many numbers; and the network itself, if it is another one than PCA's
 * @typedef {{
 *   networks: Record<string, Side>, images: Tensor, labels: Tensor | null,
 *   directions: import("../pca.js").Directions,
 * }} Data
 */

/** @param {Data} data */
export default function create({ networks, images, labels, directions }) {
  /** @param {{ network: string, digit: number }} values */
  function draw({ network, digit }) {
    const { model, size, price, mean, meanPca } = networks[network];
    const image = toFloat(at(images, digit));
    const kept = coordinates(directions, image.data).subarray(0, size);
    const byPca = { data: pointOf(directions, kept).data, shape: image.shape };
    const rebuilt = model ? at(model.reconstruct(image), 0) : byPca;
    const [own, pca] = [rebuilt, byPca].map((each) =>
      format(meanSquare(image.data, each.data), ".4f"),
    );
    return {
      pictures: {
        original: asImage(image),
        reconstruction: asImage(rebuilt),
        "squared error": errorMap(image, rebuilt),
        "by PCA": asImage(byPca),
      },
      readout:
        `${network}: ${price} per image, ${size} numbers. Error of ${digitName(digit, labels)}: ` +
        `${own}, by PCA-${size} ${pca}; mean of ${images.shape[0]} digits: ` +
        `${format(mean, ".4f")}, by PCA-${size} ${format(meanPca, ".4f")}.`,
    };
  }
  return { draw };
}
