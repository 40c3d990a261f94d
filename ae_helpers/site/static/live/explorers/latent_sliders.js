// Along the principal directions of the codes, as `latent.latent_sliders`.

import { format, round } from "../format.js";
import { nearest } from "../neighbours.js";
import { coordinates, pointOf } from "../pca.js";
import { asImage, at } from "../pictures.js";
import { normal } from "../random.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{
 *   model: import("../nn.js").Network, images: Tensor, codes: Tensor,
 *   directions: import("../pca.js").Directions, deviations: Tensor, usual: Tensor,
 *   step: number, far: number,
 * }} Data `deviations` are those of all directions, of which the first have sliders
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create(data, controls) {
  const { model, images, codes, directions, deviations, usual, step, far } = data;
  const { digit: chosen, ...others } = controls;
  const sliders = Object.values(others);
  let rest = new Float32Array(codes.shape[1]); // the coordinates, less what the sliders add
  let draws = 0; // of random codes

  /** What a slider adds, by the arithmetic of torch. @param {number} number @param {number} value */
  const added = (number, value) => Math.fround(Math.fround(value) * deviations.data[number]);

  /** @param {{ digit: number } & Record<string, number>} values */
  function draw({ digit }) {
    const here = rest.slice();
    sliders.forEach(({ value }, number) => (here[number] += added(number, value)));
    const code = pointOf(directions, here);
    const [{ index, distance }] = nearest(codes, code.data, 1);
    const smaller = usual.data.filter((/** @type {number} */ each) => each < distance).length;
    const nearer = Math.fround(smaller / usual.data.length);
    return {
      pictures: {
        decoded: asImage(at(model.decode(code), 0)),
        "nearest training digit": asImage(at(images, index)),
        "digit to start from": asImage(at(images, digit)),
      },
      readout:
        `${nearer > far ? "⚠ Few digits are as lonely as this. " : ""}The nearest training ` +
        `digit is ${format(distance, ".0f")} away; ${format(nearer, ".0%")} of the training ` +
        "digits have another one nearer than that.",
    };
  }

  /** Set the sliders to coordinates; whatever they can't show stays in `rest`. @param {Float32Array} place */
  function go(place) {
    rest = place.slice();
    sliders.forEach((control, number) => {
      control.value = round(Math.fround(place[number] / deviations.data[number]) / step) * step;
      rest[number] -= added(number, control.value); // it stops at its ends
    });
  }

  return {
    draw,
    buttons: {
      "start from this digit": () => go(coordinates(directions, at(codes, chosen.value).data)),
      "random code": () => {
        draws += 1; // by one generator, as in Python: of all that it has drawn, the last
        const numbers = normal(draws * rest.length, 0).slice(-rest.length);
        go(numbers.map((number, direction) => number * deviations.data[direction]));
      },
      "reset to the mean code": () => go(new Float32Array(rest.length)),
    },
  };
}
