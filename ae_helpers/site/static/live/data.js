// Loads what the build has written for an explorer: a JSON file, and arrays and pictures beside it.

/**
 * @typedef {import("./pictures.js").Tensor} Tensor
 * @typedef {import("./pictures.js").Picture} Picture
 */

const KINDS = {
  uint8: Uint8Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** @type {Map<string, Promise<any>>} */
const files = new Map(); // that were asked for: explorers share networks and images

/**
 * The definition of an explorer and its data, with tensors and pictures in their places.
 * @param {string} name @returns {Promise<{ definition: any, data: any }>}
 */
export function load(name) {
  const json = `${name}.json`;
  return once(json, async () => filled(await (await fetched(json)).json()));
}

/**
 * @param {string} key @param {() => Promise<any>} make
 */
function once(key, make) {
  const known = files.get(key);
  if (known) return known;
  const made = make();
  files.set(key, made);
  made.catch(() => files.delete(key)); // so that it can be tried again
  return made;
}

/** @param {string} path */
async function fetched(path) {
  const response = await fetch(new URL(path, import.meta.url)).catch((error) => error);
  if (response instanceof Response && response.ok) return response;
  const why = response instanceof Response ? response.status : response.message;
  throw new Error(
    `This explorer needs the file live/${path}, which can't be loaded (${why}). Build the site ` +
      "anew with make site, or reload the page once the network is back.",
  );
}

/**
 * A value of the JSON file, with what stands in other files: `{ "tensor": [file, kind, offset,
 * shape] }`, `{ "picture": file }` and `{ "network": layers, "weights": … }`.
 * @param {any} value @returns {Promise<any>}
 */
async function filled(value) {
  if (Array.isArray(value)) return Promise.all(value.map(filled));
  if (typeof value !== "object" || value === null) return value;
  if ("tensor" in value) return tensor(value.tensor);
  if ("network" in value) return network(value);
  if (typeof value.picture === "string") return once(value.picture, () => picture(value.picture));
  const entries = Object.entries(value).map(async ([name, part]) => [name, await filled(part)]);
  return Object.fromEntries(await Promise.all(entries));
}

/** @param {[string, keyof typeof KINDS, number, number[]]} place @returns {Promise<Tensor>} */
async function tensor([file, kind, offset, shape]) {
  const buffer = await once(file, async () => inflated(await fetched(file)));
  const length = shape.reduce((product, size) => product * size, 1);
  return { data: new KINDS[kind](buffer, offset, length), shape };
}

/** What the build has deflated. @param {Response} response */
function inflated({ body }) {
  const bytes = body?.pipeThrough(new DecompressionStream("deflate"));
  return new Response(bytes).arrayBuffer();
}

/** @param {{ network: any, weights: any }} value @returns {Promise<import("./nn.js").Network>} */
async function network({ network: layers, weights }) {
  const [{ Network }, { data }] = await Promise.all([import("./nn.js"), filled(weights)]);
  return new Network(layers, data);
}

/** @param {string} file @returns {Promise<Picture>} */
async function picture(file) {
  const options = /** @type {const} */ ({ colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const bitmap = await createImageBitmap(await (await fetched(file)).blob(), options);
  const { width, height } = bitmap;
  const pen = /** @type {CanvasRenderingContext2D} */ (
    Object.assign(document.createElement("canvas"), { width, height }).getContext("2d")
  );
  pen.drawImage(bitmap, 0, 0);
  return { width, height, data: pen.getImageData(0, 0, width, height).data, marks: [] };
}
