// What batch normalisation makes of a digit in the company of others, as `batch_mates.batch_mates`.

import { meanSquare } from "../errors.js";
import { digitName, format } from "../format.js";
import { asImage, at, coloured, some, tiles, toFloat } from "../pictures.js";
import { shuffled } from "../random.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {{
 *   model: import("../nn.js").Network, images: Tensor, labels: Tensor | null, nearest: Tensor,
 *   classes: Record<string, number>, alone: string, black: string, rows: number, limit: number,
 * }} Data of each digit that can be chosen, how far the nearest code of another one is away; of
 *   companies of one class, which; and the names of two others
 */

/** @param {Data} data */
export default function create(data) {
  const { model, images, labels, nearest, classes, rows, limit } = data;
  const [count, ...shape] = images.shape;

  /**
   * The other images of the batch, in [0, 1], drawn without repeating one.
   * @param {number} digit @param {string} mates @param {number} size @param {number} draw
   * @returns {Tensor}
   */
  function company(digit, mates, size, draw) {
    if (mates === data.black) {
      const length = images.data.length / count;
      return { data: new Float32Array(size * length), shape: [size, ...shape] };
    }
    const others = [...shuffled(count, draw)]
      .filter((each) => each !== digit)
      .filter((each) => !(mates in classes) || labels?.data[each] === classes[mates])
      .slice(0, mates === data.alone ? 0 : size);
    return some(images, others);
  }

  /** @param {{ digit: number, mates: string, size: number, draw: number, evaluation: boolean }} values */
  function draw({ digit, mates, size, draw: number, evaluation }) {
    const image = toFloat(at(images, digit));
    const others = company(digit, mates, size, number);
    const [code, usual] = passed(image, false);
    const batch = new Float32Array(image.data.length + others.data.length);
    batch.set(image.data);
    batch.set(others.data, image.data.length);
    // In evaluation mode the others change nothing.
    const [moved, rebuilt] = evaluation ? [code, usual] : passed({ data: batch, shape: [] }, true);
    const change = rebuilt.data.map((pixel, i) => pixel - usual.data[i]);
    const [inBatch, inEvaluation] = [rebuilt, usual].map((each) =>
      format(meanSquare(image.data, each.data), ".4f"),
    );
    return {
      pictures: {
        digit: asImage(image),
        "its batch-mates": tiles(others, rows, rows, 0, 0),
        "in this batch": asImage(rebuilt),
        "in evaluation mode": asImage(usual),
        difference: coloured({ data: change, shape: shape.slice(1) }, "RdBu_r", -limit, limit),
      },
      readout:
        `${evaluation ? "Evaluation" : "Training"} mode, ${digitName(digit, labels)} with ` +
        `${others.shape[0]} batch-mates: its code is ${format(distance(moved, code), ".2f")} away ` +
        "from its place in evaluation mode; the nearest code of another digit is " +
        `${format(nearest.data[digit], ".2f")} away. Error in this batch ${inBatch}, in ` +
        `evaluation mode ${inEvaluation} (MSE per pixel).`,
    };
  }

  /**
   * The first image's code and reconstruction; as in training, the batch stays together.
   * @param {Tensor} batch @param {boolean} training
   */
  function passed(batch, training) {
    const codes = model.encode(batch, training);
    return [at(codes, 0), at(model.decode(codes, training), 0)];
  }

  return { draw };
}

/** @param {Tensor} one @param {Tensor} other */
function distance(one, other) {
  return Math.fround(Math.hypot(...Array.from(one.data, (x, i) => x - other.data[i])));
}
