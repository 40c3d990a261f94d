// Every dataset through every network, as `datasets.dataset_browser`.

import { meanSquare } from "../errors.js";
import { digitName, format } from "../format.js";
import { asImage, at, blank, errorMap, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{ images: Tensor, labels: Tensor | null, meanImage: Tensor, byMeanImage: number }} Dataset
 *   its test images, the mean of its training images, and the mean of the errors by that one
 * @typedef {{
 *   networks: Record<string, import("../nn.js").Network>, datasets: Record<string, Dataset>,
 *   means: Record<string, Record<string, number>>,
 * }} Data by network and dataset, where they fit together, the mean of the errors
 */

/** @param {Data} data */
export default function create({ networks, datasets, means }) {
  /** @param {{ dataset: string, network: string, number: number }} values */
  function draw({ dataset, network, number }) {
    const { images, labels, meanImage, byMeanImage } = datasets[dataset];
    const image = toFloat(at(images, number));
    const model = networks[network];
    const said = `${dataset}, ${digitName(number, labels, "image")}, by the network “${network}”`;
    const original = asImage(image);
    if (`${model.inputShape}` !== `${image.shape}`) {
      const nothing = () => blank(original.width, original.height);
      return {
        pictures: { original, reconstruction: nothing(), "squared error": nothing() },
        readout:
          `${said}: it takes images of ${model.inputShape.join("×")}, and these are ` +
          `${image.shape.join("×")}. Choose another network, or build one for them.`,
      };
    }
    const rebuilt = at(model.reconstruct(image), 0);
    const [own, byMean, byBlack] = [
      rebuilt,
      meanImage,
      { data: new Float32Array(image.data.length) },
    ].map(({ data }) => format(meanSquare(image.data, data), ".4f"));
    const mean = means[network][dataset];
    return {
      pictures: {
        original,
        reconstruction: asImage(rebuilt),
        "squared error": errorMap(image, rebuilt),
      },
      readout:
        `${said}: error ${own} (MSE per pixel and channel), the mean image's ${byMean}, black's ` +
        `${byBlack}. Over ${images.shape[0]} images ${format(mean, ".4f")}, ` +
        `${format(Math.fround(mean / byMeanImage), ".0%")} of the mean image's ` +
        `${format(byMeanImage, ".4f")}.`,
    };
  }
  return { draw };
}
