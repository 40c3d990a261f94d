// A digit with noise, covered here and there, and what a network repairs, as
// `applications.damage_digit`.

import { meanSquare } from "../errors.js";
import { format } from "../format.js";
import { asImage, at, errorMap, toFloat } from "../pictures.js";
import { normal } from "../random.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{
 *   networks: Record<string, import("../nn.js").Network>, images: Tensor, scale: string,
 * }} Data
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create({ networks, images, scale }, controls) {
  const [, channels, height, width] = images.shape;
  let seed = 0;
  let noise = normal(channels * height * width, seed);

  /** @param {{ brush: Uint8Array, network: string, digit: number, noise: number }} values */
  function draw({ brush, network, digit, noise: sigma }) {
    const covered = halfTouched(brush, height, width);
    const clean = toFloat(at(images, digit));
    const noisy = withNoise(clean, sigma, noise);
    const hidden = noisy.data.map((pixel, i) => (covered[i % covered.length] ? 0 : pixel));
    const damaged = { data: hidden, shape: clean.shape };
    const repaired = at(networks[network].reconstruct(damaged), 0);
    controls.brush.picture = asImage(noisy);
    const [before, after] = [damaged, repaired].map((image) => meanSquare(clean.data, image.data));
    return {
      pictures: {
        damaged: asImage(damaged),
        repaired: asImage(repaired),
        clean: asImage(clean),
        [scale]: errorMap(clean, repaired),
      },
      readout:
        `Digit ${digit}, noise ${format(sigma, ".2f")}, ${covered.filter(Boolean).length} of ` +
        `${covered.length} pixels covered. Against the clean digit the damaged one has an error ` +
        `of ${format(before, ".4f")}, the one repaired by the ${network} ` +
        `${format(after, ".4f")} (MSE per pixel).`,
    };
  }

  function uncover() {
    controls.brush.value = new Uint8Array(controls.brush.value.length);
  }

  function renew() {
    seed += 1;
    noise = normal(noise.length, seed);
  }

  return { draw, buttons: { Uncover: uncover, "New noise": renew } };
}

/**
 * Noise on every pixel, and then no pixel below 0 or above 1, as `applications.add_noise`.
 * @param {Tensor} image @param {number} sigma @param {Float32Array} noise
 */
function withNoise({ data, shape }, sigma, noise) {
  const strength = Math.fround(sigma);
  const noisy = Float32Array.from(data, (pixel, i) => pixel + Math.fround(strength * noise[i]));
  return { data: noisy.map((pixel) => Math.min(Math.max(pixel, 0), 1)), shape };
}

/**
 * Of which pixels the brush has touched half or more: the mean of the squares that a pixel lies on,
 * as `torch.adaptive_avg_pool2d` takes it.
 * @param {Uint8Array} brush a square, row by row @param {number} height @param {number} width
 */
function halfTouched(brush, height, width) {
  const side = Math.sqrt(brush.length);
  const [rows, columns] = [height, width].map((count) =>
    Array.from({ length: count }, (_, i) => [
      Math.floor((i * side) / count),
      Math.ceil(((i + 1) * side) / count),
    ]),
  );
  const touched = rows.map(([top, bottom]) =>
    columns.map(([left, right]) => {
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++)
          sum = Math.fround(sum + Math.fround(brush[y * side + x] / 255));
      }
      return Math.fround(Math.fround(sum / (bottom - top)) / (right - left)) >= 0.5;
    }),
  );
  return touched.flat();
}
