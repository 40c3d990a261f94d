// The layers of the shipped networks, forwards only. What they are made of comes from networks.py.

/** @typedef {import("./pictures.js").Tensor} Tensor */

/**
 * A layer, as networks.py describes it: what kind it is, the shape (C, H, W) of what it gives for
 * one image, and where its numbers begin among the network's weights.
 * @typedef {{
 *   name: string, kind: string, shape: number[], weight?: number, bias?: number,
 *   kernel?: number[], stride?: number[], padding?: number[],
 *   mean?: number, variance?: number, eps?: number, slope?: number,
 * }} Layer
 */

/**
 * What a layer takes: images, or what became of them, one after another, and the shape of each.
 * @typedef {{ data: Float32Array, count: number, shape: number[] }} Batch
 */

/** An autoencoder: encode images, decode codes, any number at once. */
export class Network {
  /**
   * @param {{ input: number[], code: number[], encode: Layer[] | null, decode: Layer[] }} definition
   *   `encode` is missing where a page only decodes
   * @param {Float32Array} weights all of them, in one piece
   */
  constructor(definition, weights) {
    this.inputShape = definition.input;
    this.codeShape = definition.code;
    this.latentSize = size(definition.code);
    this.encoder = definition.encode;
    this.decoder = definition.decode;
    this.weights = weights;
  }

  /**
   * The codes of images, `(N, C, H, W)` or one of them → `(N, latentSize)`.
   * @param {Tensor} images in [0, 1]
   * @param {boolean} [training] whether batch normalisation takes the statistics of these images
   * @returns {Tensor & { data: Float32Array }}
   */
  encode(images, training = false) {
    if (!this.encoder) throw new Error("This network has no encoder here. Export it as a whole.");
    const { data, count } = this.#pass(this.encoder, images, this.inputShape, training);
    return { data, shape: [count, this.latentSize] };
  }

  /**
   * The images of codes, `(N, latentSize)` or one of them → `(N, C, H, W)`.
   * @param {Tensor} codes
   * @param {boolean} [training] whether batch normalisation takes the statistics of these codes
   * @returns {Tensor & { data: Float32Array }}
   */
  decode(codes, training = false) {
    const { data, count } = this.#pass(this.decoder, codes, this.codeShape, training);
    return { data, shape: [count, ...this.inputShape] };
  }

  /**
   * Encode and decode.
   * @param {Tensor} images @param {boolean} [training]
   */
  reconstruct(images, training = false) {
    return this.decode(this.encode(images, training), training);
  }

  /** @param {Layer[]} layers @param {Tensor} given @param {number[]} shape @param {boolean} training */
  #pass(layers, given, shape, training) {
    if (given.data instanceof Uint8Array) {
      throw new Error("The images are bytes; expected numbers in [0, 1]. Call toFloat on them.");
    }
    /** @type {Batch} */
    let batch = {
      data: new Float32Array(given.data),
      count: given.data.length / size(shape),
      shape,
    };
    if (!Number.isInteger(batch.count)) {
      throw new Error(`The shape is (${given.shape}); expected (N,${shape}), or one of them.`);
    }
    for (const layer of layers) batch = apply(layer, batch, this.weights, training);
    return batch;
  }
}

/** @param {number[]} shape */
const size = (shape) => shape.reduce((product, length) => product * length, 1);

/**
 * What a layer makes of a batch.
 * @param {Layer} layer
 * @param {Batch} batch
 * @param {Float32Array} weights of the whole network
 * @param {boolean} [training]
 * @returns {Batch}
 */
export function apply(layer, batch, weights, training = false) {
  const kind = KINDS[layer.kind];
  if (!kind) {
    const kinds = Object.keys(KINDS).join(", ");
    throw new Error(`${layer.name} is a ${layer.kind}; expected one of ${kinds}. Reload the page.`);
  }
  return { data: kind(layer, batch, weights, training), count: batch.count, shape: layer.shape };
}

/** @type {Record<string, (layer: Layer, batch: Batch, weights: Float32Array, training: boolean) => Float32Array>} */
const KINDS = {
  conv: weigh,
  deconv: weigh,
  linear: weigh,
  batch_norm: normalise,
  reshape: (_, { data }) => data,
  places: ({ bias = 0, shape }, { data }, weights) => {
    const length = size(shape);
    return data.map((x, i) => x + weights[bias + (i % length)]);
  },
  relu: (_, { data }) => data.map((x) => Math.max(x, 0)),
  leaky_relu: ({ slope = 0 }, { data }) => data.map((x) => (x < 0 ? slope * x : x)),
  sigmoid: (_, { data }) => data.map((x) => 1 / (1 + Math.exp(-x))),
  gelu: (_, { data }) => data.map((x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2),
};

/**
 * The error function to 2e-7 (Abramowitz and Stegun, 7.1.26), as near as float32 numbers lie.
 * @param {number} x
 */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

/** @param {Layer} layer @param {Batch} batch @param {Float32Array} weights @param {boolean} training */
function normalise(layer, { data, count, shape }, weights, training) {
  const { weight = 0, bias = 0, mean: means = 0, variance: variances = 0, eps = 0 } = layer;
  const [channels, height, width] = shape;
  const places = height * width;
  const normal = new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    /** The numbers of this channel, of all images. @param {(i: number) => void} visit */
    const each = (visit) => {
      for (let image = 0; image < count; image++) {
        const start = (image * channels + channel) * places;
        for (let i = start; i < start + places; i++) visit(i);
      }
    };
    let [mean, variance] = [weights[means + channel], weights[variances + channel]];
    if (training) {
      [mean, variance] = [0, 0];
      each((i) => (mean += data[i] / (count * places)));
      each((i) => (variance += (data[i] - mean) ** 2 / (count * places)));
    }
    const factor = weights[weight + channel] / Math.sqrt(variance + eps);
    const shift = weights[bias + channel];
    each((i) => (normal[i] = (data[i] - mean) * factor + shift));
  }
  return normal;
}

/**
 * A convolution, a transposed one, or a linear layer. All three are the same: each number of the input
 * stamps weights on the output, that many times as strong; they differ in where. A 0 stamps nothing:
 * most of a digit is black, and after a ReLU much is 0.
 *
 * The weights lie as [input channel][place in the kernel][output channel], and the sums as
 * [place][channel], so that a stamp's channels are neighbours; eight at once take half the time.
 * @param {Layer} layer
 * @param {Batch} batch
 * @param {Float32Array} weights
 */
function weigh(layer, { data, count, shape }, weights) {
  const { weight = 0, bias = 0, kernel = [1, 1] } = layer;
  const [channels, places] = [layer.shape[0], layer.shape[1] * layer.shape[2]];
  const [depth, height, width] = shape;
  const { rows, columns } = stampsOf(layer, shape);
  const own = weights.subarray(weight);
  const shift = weights.subarray(bias, bias + channels);
  const result = new Float32Array(count * channels * places);
  const sums = new Float64Array(places * channels);
  let from = 0;
  for (let image = 0; image < count; image++) {
    for (let i = 0; i < sums.length; i++) sums[i] = shift[i % channels];
    for (let line = 0; line < depth * height; line++) {
      const row = rows[line % height];
      const first = Math.floor(line / height) * kernel[0] * kernel[1] * channels;
      for (let x = 0; x < width; x++) {
        const value = data[from++];
        if (value === 0) continue;
        const column = columns[x];
        for (let i = 0; i < row.length; i += 2) {
          for (let j = 0; j < column.length; j += 2) {
            let to = row[i] + column[j];
            let at = first + row[i + 1] + column[j + 1];
            const end = to + channels;
            for (; to + 8 <= end; to += 8, at += 8) {
              sums[to] += value * own[at];
              sums[to + 1] += value * own[at + 1];
              sums[to + 2] += value * own[at + 2];
              sums[to + 3] += value * own[at + 3];
              sums[to + 4] += value * own[at + 4];
              sums[to + 5] += value * own[at + 5];
              sums[to + 6] += value * own[at + 6];
              sums[to + 7] += value * own[at + 7];
            }
            for (; to < end; to++, at++) sums[to] += value * own[at];
          }
        }
      }
    }
    const start = image * channels * places;
    for (let i = 0; i < sums.length; i++)
      result[start + (i % channels) * places + Math.floor(i / channels)] = sums[i];
  }
  return result;
}

/**
 * For each row and each column of the input, in pairs: on which of the output its numbers are stamped,
 * and with which of the kernel, both as steps in the memory.
 * @typedef {{ rows: Int32Array[], columns: Int32Array[] }} Stamps
 */

/** @type {WeakMap<Layer, Stamps>} */
const known = new WeakMap();

/**
 * @param {Layer} layer
 * @param {number[]} shape (C, H, W) of its input
 * @returns {Stamps}
 */
function stampsOf(layer, [, height, width]) {
  const found = known.get(layer);
  if (found) return found;
  const { kind, kernel = [1, 1], stride = [1, 1], padding = [0, 0] } = layer;
  const [channels, ...sides] = layer.shape;
  /** @param {0 | 1} axis @param {number} length of the input */
  const along = (axis, length) =>
    Array.from({ length }, (_, from) => {
      const pairs = [];
      for (let k = 0; k < kernel[axis]; k++) {
        const to =
          kind === "conv"
            ? (from + padding[axis] - k) / stride[axis] // the way back of a window
            : from * stride[axis] - padding[axis] + k;
        if (!Number.isInteger(to) || to < 0 || to >= sides[axis]) continue;
        const steps = axis ? [to, k] : [to * sides[1], k * kernel[1]];
        pairs.push(...steps.map((step) => step * channels));
      }
      return Int32Array.from(pairs);
    });
  const stamps = { rows: along(0, height), columns: along(1, width) };
  known.set(layer, stamps);
  return stamps;
}
