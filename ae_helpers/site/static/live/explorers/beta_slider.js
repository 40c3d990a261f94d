// What β does to a variational autoencoder, as `vae.beta_slider`.

import { format } from "../format.js";
import { asImage, at, tiles } from "../pictures.js";
import { normal } from "../random.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {import("../pictures.js").Picture} Picture
 * @typedef {{
 *   beta: number, model: import("../nn.js").Network, latents: Tensor, rate: Tensor,
 *   distortion: Tensor, means: [number, number], active: number, bars: Picture,
 * }} Measured
 * @typedef {{ digits: Picture, count: number, rows: number, networks: Measured[] }} Data
 *   `digits` are one below the other; means are those of `count`, which are more
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create({ digits, count, rows, networks }, controls) {
  const side = digits.width;
  controls.digit.max = digits.height / side - 1;
  let sheet = 0;
  const invented = new Map(); // pictures, by β: another digit doesn't change them

  /** @param {{ beta: number, digit: number }} values */
  function draw({ beta, digit }) {
    const here = networks.find((each) => each.beta === beta);
    if (!here) throw new Error(`No network is there for β = ${beta}. Build the site anew.`);
    const { model, latents, rate, distortion, means, active } = here;
    if (!invented.has(beta)) {
      const size = model.latentSize;
      const codes = { data: normal(rows * rows * size, sheet), shape: [rows * rows, size] };
      invented.set(beta, tiles(model.decode(codes), rows, rows));
    }
    return {
      pictures: {
        digit: squareOf(digits, digit),
        rebuilt: asImage(at(model.decode(at(latents, digit)), 0)),
        invented: invented.get(beta),
        "rate of each number": here.bars,
      },
      readout:
        `β = ${format(beta, "g")}. Digit ${digit}: ` +
        `${added(rate.data[digit], distortion.data[digit])}. Mean of ${count} digits: ` +
        `${added(...means)}; ${active} of ${model.latentSize} numbers are active.`,
    };
  }

  function invent() {
    sheet += 1;
    invented.clear();
  }

  return { draw, buttons: { "Invent others": invent } };
}

/** @param {number} rate @param {number} distortion */
function added(rate, distortion) {
  const parts = [rate, distortion].map((part) => format(part, ".1f"));
  const sum = format(Number(parts[0]) + Number(parts[1]), ".1f"); // of what is shown
  return `rate ${parts[0]} + distortion ${parts[1]} = ${sum} nats`;
}

/** One of the squares that lie one below the other. @param {Picture} column @param {number} number @returns {Picture} */
function squareOf({ data, width }, number) {
  const size = 4 * width * width; // bytes
  return {
    width,
    height: width,
    data: data.slice(number * size, (number + 1) * size),
    marks: [],
  };
}
