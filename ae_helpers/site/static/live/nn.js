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
   * @param {{ input: number[], code: number[], encode: Layer[], decode: Layer[] }} definition
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
      data: Float32Array.from(given.data),
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
 * A convolution, a transposed one, or a linear layer. All three are the same: a number of the output
 * is a sum of numbers of the input, each times a weight; they differ in which. Where the input is 0
 * there is nothing to add: most of a digit is black, and after a ReLU much is 0.
 *
 * The weights lie as [input channel][place in the kernel][output channel]. So those of four output
 * channels are neighbours, and four sums at once are three times as fast as one.
 * @param {Layer} layer
 * @param {Batch} batch
 * @param {Float32Array} weights
 */
function weigh(layer, { data, count, shape }, weights) {
  const { weight = 0, bias = 0 } = layer;
  const [channels, places] = [layer.shape[0], layer.shape[1] * layer.shape[2]];
  const { starts, inputs, kernels, most } = windowsOf(layer, shape);
  const own = weights.subarray(weight);
  const shift = weights.subarray(bias, bias + channels);
  const result = new Float32Array(count * channels * places);
  const [values, from] = [new Float64Array(most), new Int32Array(most)];
  for (let image = 0; image < count; image++) {
    const first = image * size(shape);
    for (let place = 0; place < places; place++) {
      let found = 0; // numbers of the input that aren't 0
      for (let i = starts[place]; i < starts[place + 1]; i++) {
        const value = data[first + inputs[i]];
        if (value === 0) continue;
        values[found] = value;
        from[found++] = kernels[i];
      }
      let to = image * channels * places + place;
      let channel = 0;
      for (; channel + 4 <= channels; channel += 4, to += 4 * places) {
        let a = shift[channel];
        let b = shift[channel + 1];
        let c = shift[channel + 2];
        let d = shift[channel + 3];
        for (let i = 0; i < found; i++) {
          const value = values[i];
          const at = from[i] + channel;
          a += value * own[at];
          b += value * own[at + 1];
          c += value * own[at + 2];
          d += value * own[at + 3];
        }
        result[to] = a;
        result[to + places] = b;
        result[to + 2 * places] = c;
        result[to + 3 * places] = d;
      }
      for (; channel < channels; channel++, to += places) {
        let sum = shift[channel];
        for (let i = 0; i < found; i++) sum += values[i] * own[from[i] + channel];
        result[to] = sum;
      }
    }
  }
  return result;
}

/**
 * Which numbers of the input a place of the output sees, and where their weights for its first
 * channel lie: those of output place i are from starts[i] to starts[i + 1], at most so many.
 * @typedef {{ starts: Int32Array, inputs: Int32Array, kernels: Int32Array, most: number }} Windows
 */

/** @type {WeakMap<Layer, Windows>} */
const known = new WeakMap();

/**
 * @param {Layer} layer
 * @param {number[]} shape (C, H, W) of its input
 * @returns {Windows}
 */
function windowsOf(layer, [channels, height, width]) {
  const found = known.get(layer);
  if (found) return found;
  const { kind, kernel = [1, 1], stride = [1, 1], padding = [0, 0] } = layer;
  const area = kernel[0] * kernel[1];
  /**
   * Along an axis, for each place of the output: the places of the input, and of the kernel on them.
   * @param {0 | 1} axis @param {number} length of the input
   */
  const along = (axis, length) =>
    Array.from({ length: layer.shape[1 + axis] }, (_, to) => {
      const pairs = [];
      for (let k = 0; k < kernel[axis]; k++) {
        const at =
          kind === "deconv"
            ? (to + padding[axis] - k) / stride[axis] // the way back of a stamp
            : to * stride[axis] - padding[axis] + k;
        if (Number.isInteger(at) && at >= 0 && at < length) pairs.push({ at, k });
      }
      return pairs;
    });
  const [rows, columns] = [along(0, height), along(1, width)];
  /** @type {number[][]} */
  const [starts, inputs, kernels] = [[0], [], []];
  for (const row of rows) {
    for (const column of columns) {
      for (const y of row) {
        for (const x of column) {
          for (let channel = 0; channel < channels; channel++) {
            inputs.push((channel * height + y.at) * width + x.at);
            kernels.push((channel * area + y.k * kernel[1] + x.k) * layer.shape[0]);
          }
        }
      }
      starts.push(inputs.length);
    }
  }
  const windows = {
    starts: Int32Array.from(starts),
    inputs: Int32Array.from(inputs),
    kernels: Int32Array.from(kernels),
    most: channels * area,
  };
  known.set(layer, windows);
  return windows;
}
