// Principal directions, found by the build, as `Directions` of `measures/pca.py`.

/**
 * @typedef {import("./pictures.js").Tensor} Tensor
 * @typedef {{ mean: Tensor, axes: Tensor }} Directions `axes` is `(K, D)`: one after another
 */

/**
 * Where a point is along each direction, seen from the mean.
 * @param {Directions} directions @param {ArrayLike<number>} point @returns {Float32Array}
 */
export function coordinates({ mean, axes }, point) {
  const [count, size] = axes.shape;
  return Float32Array.from({ length: count }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < size; i += 1) {
      sum += Math.fround(point[i] - mean.data[i]) * axes.data[k * size + i];
    }
    return sum;
  });
}

/**
 * The way back from the first coordinates, the others being 0.
 * @param {Directions} directions @param {ArrayLike<number>} given @returns {Tensor}
 */
export function pointOf({ mean, axes }, given) {
  const size = axes.shape[1];
  const data = Float32Array.from(mean.data, (middle, i) => {
    let sum = 0;
    for (let k = 0; k < given.length; k += 1) sum += given[k] * axes.data[k * size + i];
    return middle + Math.fround(sum);
  });
  return { data, shape: [size] };
}
