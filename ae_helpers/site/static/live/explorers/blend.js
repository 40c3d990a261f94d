// From one digit to another, on a straight line of codes and of pixels, as `latent.blend`.

import { format } from "../format.js";
import { asImage, at, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{ model: import("../nn.js").Network, images: Tensor }} Data
 */

/** @param {Data} data */
export default function create({ model, images }) {
  /** @param {{ first: number, second: number, way: number }} values */
  function draw({ first, second, way }) {
    const ends = [first, second].map((digit) => toFloat(at(images, digit)));
    const [start, end] = ends.map((image) => model.encode(image));
    const ofCodes = at(model.decode(between(start, end, way / 100)), 0);
    const ofPixels = between(ends[0], ends[1], way / 100);
    return {
      pictures: {
        first: asImage(ends[0]),
        "line of codes": asImage(ofCodes),
        "line of pixels": asImage(ofPixels),
        second: asImage(ends[1]),
      },
      readout:
        `${way}% of the way from digit ${first} to digit ${second}. Pixels neither dark nor ` +
        `bright (0.25 to 0.75): ${format(greyShare(ofCodes), ".0%")} on the line of codes, ` +
        `${format(greyShare(ofPixels), ".0%")} on the line of pixels.`,
    };
  }
  return { draw };
}

/**
 * So far on the way from one to the other, rounded as `torch.lerp` does.
 * @param {Tensor} start @param {Tensor} end @param {number} share
 * @returns {Tensor}
 */
function between({ data, shape }, end, share) {
  const weight = Math.fround(share);
  const mixed = Float32Array.from(data, (from, i) => {
    const way = Math.fround(end.data[i] - from);
    return weight < 0.5 ? from + weight * way : end.data[i] + Math.fround(weight - 1) * way;
  });
  return { data: mixed, shape };
}

/** @param {Tensor} image */
function greyShare({ data }) {
  let grey = 0;
  for (const pixel of data) grey += Number(pixel > 0.25 && pixel < 0.75);
  return Math.fround(grey / data.length);
}
