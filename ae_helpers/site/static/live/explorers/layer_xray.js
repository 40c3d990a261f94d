// What each layer makes of a digit, what a number sees and reaches, as `feature_maps.layer_xray`.

import { format } from "../format.js";
import { apply } from "../nn.js";
import { asImage, at, coloured, enlarged, frame, rectangle, toFloat } from "../pictures.js";

/**
 * @typedef {import("../pictures.js").Tensor} Tensor
 * @typedef {import("../nn.js").Layer} Layer
 * @typedef {import("../nn.js").Batch} Batch
 * @typedef {[number, number]} Range from a place, up to another but without it
 * @typedef {{ layers: Layer[], height: number, width: number }} Stage
 *   a convolution, transposed or not, with what follows it, and the size of what it takes
 * @typedef {{
 *   model: import("../nn.js").Network, images: Tensor, names: string[], board: number,
 *   small: number, empty: string, panels: string[],
 * }} Data
 */

/** @param {Data} data @param {Record<string, any>} controls */
export default function create({ model, images, names, board, small, empty, panels }, controls) {
  const [height, width] = model.inputShape.slice(1);
  const stages = staged(model);
  const place = [controls.channel, controls.row, controls.column];
  /** @type {{ digit?: number, outputs: Batch[] }} */
  let last = { outputs: [] };

  /** What each stage gives for a digit. @param {number} digit */
  function passed(digit) {
    if (last.digit === digit) return last.outputs;
    const image = Float32Array.from(toFloat(at(images, digit)).data);
    /** @type {Batch} */
    let batch = { data: image, count: 1, shape: model.inputShape };
    const outputs = stages.map(({ layers }) => {
      for (const layer of layers) batch = apply(layer, batch, model.weights);
      return batch;
    });
    last = { digit, outputs };
    return outputs;
  }

  /** @param {{ digit: number, layer: number }} values */
  function draw({ digit, layer }) {
    const outputs = passed(digit);
    const maps = outputs[layer];
    maps.shape.forEach((size, axis) => (place[axis].max = size - 1)); // takes the value along
    const [channel, row, column] = place.map(({ value }) => value);
    const seen = field(stages.slice(0, layer + 1).reverse(), row, column, true);
    const reached = field(stages.slice(layer + 1), row, column, false);
    const drawn = [
      framed(at(images, digit), seen, small),
      new Mosaic(maps.shape, board).picture(maps, [channel, row, column], empty),
      framed(/** @type {Batch} */ (outputs.at(-1)), reached, small),
    ];
    const [count, rows, columns] = maps.shape;
    const number = maps.data[(channel * rows + row) * columns + column];
    const [least, most, chosen] = [...ends(maps), number].map(asText);
    return {
      pictures: Object.fromEntries(panels.map((name, i) => [name, drawn[i]])),
      readout:
        `${names[layer]} gives ${count} map${count > 1 ? "s" : ""} of ${rows}×${columns}, from ` +
        `${least} (dark) to ${most} (yellow). The number in channel ${channel}, row ${row}, ` +
        `column ${column} is ${chosen}. It sees ${inWords(seen, [height, width], "digit")} and ` +
        `reaches ${inWords(reached, [height, width], "output")}.`,
    };
  }

  /** Where the maps are clicked, or an arrow key pressed. @param {import("../frame.js").Where} where */
  function choose({ x, y, right = 0, down = 0 }) {
    const mosaic = new Mosaic(stages[controls.layer.value].layers[0].shape, board);
    const [atRow, atColumn] = mosaic.square(place.map(({ value }) => value));
    const cell =
      x === undefined || y === undefined
        ? mosaic.cell(atRow + down, atColumn + right)
        : mosaic.cell(Math.floor(y / mosaic.side), Math.floor(x / mosaic.side));
    cell?.forEach((value, axis) => (place[axis].value = value));
  }

  return { draw, click: { [panels[1]]: choose } };
}

/** The layers of a network, cut before each of its convolutions. @param {import("../nn.js").Network} model */
function staged(model) {
  /** @type {Stage[]} */
  const stages = [];
  let [, height, width] = model.inputShape;
  for (const layer of [...(model.encoder ?? []), ...model.decoder]) {
    if (layer.kernel) stages.push({ layers: [], height, width });
    stages[stages.length - 1].layers.push(layer);
    [, height, width] = layer.shape;
  }
  return stages;
}

/** The smallest and the largest of many. @param {Batch} maps */
const ends = ({ data }) => [
  data.reduce((low, each) => Math.min(low, each)),
  data.reduce((high, each) => Math.max(high, each)),
];

// ------------------------------------------------------------------------------ feature maps

/** Feature maps side by side, and their cells `[channel, row, column]`. */
class Mosaic {
  /** @param {number[]} shape `(C, H, W)` @param {number} board the side of the mosaic, at most */
  constructor([channels, height, width], board) {
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.rows = 2 ** Math.floor(Math.floor(Math.log2(channels)) / 2); // 8 maps in 2 rows
    this.columns = Math.ceil(channels / this.rows);
    const fits = Math.floor(board / Math.max(this.rows * height, this.columns * width));
    this.side = Math.max(fits, 1); // of a cell, in pixels
  }

  /** The row and the column of a cell's square, counted through all maps. @param {number[]} cell */
  square([channel, row, column]) {
    const [down, right] = [Math.floor(channel / this.columns), channel % this.columns];
    return [down * this.height + row, right * this.width + column];
  }

  /** The cell of a square; none beyond the last map. @param {number} down @param {number} right */
  cell(down, right) {
    const [row, column] = [Math.floor(down / this.height), Math.floor(right / this.width)];
    const inside = row >= 0 && row < this.rows && column >= 0 && column < this.columns;
    const channel = row * this.columns + column;
    if (!inside || channel >= this.channels) return null;
    return [channel, down % this.height, right % this.width];
  }

  /**
   * The maps on one colour scale; the chosen cell has a frame.
   * @param {Batch} maps @param {number[]} chosen @param {string} empty the colour of no map
   */
  picture(maps, chosen, empty) {
    const { rows, columns, height, width, side } = this;
    const board = new Float32Array(rows * columns * height * width);
    for (let channel = 0; channel < this.channels; channel += 1) {
      for (let row = 0; row < height; row += 1) {
        const [down, right] = this.square([channel, row, 0]);
        const start = (channel * height + row) * width;
        board.set(maps.data.subarray(start, start + width), down * columns * width + right);
      }
    }
    const shape = [rows * height, columns * width];
    const [low, high] = ends(maps);
    const picture = enlarged(coloured({ data: board, shape }, "viridis", low, high), side);
    for (let channel = 0; channel < rows * columns; channel += 1) {
      const [top, left] = this.square([channel, 0, 0]).map((length) => length * side);
      const box = [left, top, left + width * side - 1, top + height * side - 1];
      const fill = channel < this.channels ? undefined : empty;
      rectangle(picture, box, { fill, outline: "white" });
    }
    const [down, right] = this.square(chosen);
    frame(picture, side, [down, down + 1], [right, right + 1]);
    return picture;
  }
}

// ------------------------------------------------------------------------- what is linked

/**
 * The rows and columns that are linked with one number on the other side of some stages, in the
 * order in which the links lead through them, as `feature_maps.field` finds them.
 * @param {Stage[]} stages @param {number} row @param {number} column @param {boolean} backwards
 */
function field(stages, row, column, backwards) {
  /** @type {Range[]} */
  let linked = [
    [row, row + 1],
    [column, column + 1],
  ];
  for (const { layers, height, width } of stages) {
    const sizes = backwards ? [height, width] : layers[0].shape.slice(1);
    const spreads = (layers[0].kind === "conv") === backwards;
    linked = linked.map((places, axis) => links(layers[0], axis, places, sizes[axis], spreads));
  }
  return linked;
}

/**
 * @param {Layer} layer @param {number} axis @param {Range} places @param {number} size
 * @param {boolean} spreads whether each place is linked with a whole window, or stamp
 * @returns {Range}
 */
function links({ kernel = [], stride = [], padding = [] }, axis, places, size, spreads) {
  const [first, last] = [places[0], places[1] - 1];
  if (last < first) return places;
  const reach = kernel[axis] - 1; // from the first to the last weight
  const ends = spreads
    ? [first * stride[axis] - padding[axis], last * stride[axis] - padding[axis] + reach]
    : [
        Math.ceil((first + padding[axis] - reach) / stride[axis]),
        Math.floor((last + padding[axis]) / stride[axis]),
      ];
  return [Math.max(ends[0], 0), Math.min(ends[1] + 1, size)];
}

/** @param {Tensor} image @param {Range[]} where @param {number} small */
function framed(image, [rows, columns], small) {
  const side = Math.max(Math.floor(small / Math.max(...image.shape.slice(1))), 1);
  const picture = enlarged(asImage(image), side);
  if (rows[0] < rows[1] && columns[0] < columns[1]) frame(picture, side, rows, columns);
  return picture;
}

/** With three decimals; a large one, of which float32 doesn't know the third, with one. @param {number} number */
const asText = (number) => format(number, Math.abs(number) >= 100 ? ",.1f" : ",.3f");

/** @param {Range[]} where @param {number[]} size @param {string} whole */
function inWords(where, size, whole) {
  const counts = where.map(([first, end]) => Math.max(end - first, 0));
  if (counts.every((count, axis) => count === size[axis])) return `the whole ${whole}`;
  if (counts.includes(0)) return `nothing of the ${whole}`;
  const places = where.map(([first, end], axis) => {
    const name = ["row", "column"][axis];
    return counts[axis] === 1 ? `${name} ${first}` : `${name}s ${first} to ${end - 1}`;
  });
  return `${places.join(" and ")} of the ${whole} (${counts.join("×")})`;
}
