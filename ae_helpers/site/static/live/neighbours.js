// The nearest of given points, as `Neighbours` of `measures/latent.py`.

/**
 * @param {import("./pictures.js").Tensor} points `(N, D)`
 * @param {ArrayLike<number>} query @param {number} count
 * @returns {{ index: number, distance: number }[]} the nearest first
 */
export function nearest({ data, shape: [length, size] }, query, count) {
  const all = Array.from({ length }, (_, index) => {
    let sum = 0;
    for (let i = 0; i < size; i += 1) sum += (data[index * size + i] - query[i]) ** 2;
    return { index, distance: Math.fround(Math.sqrt(sum)) };
  });
  return all.sort((one, other) => one.distance - other.distance).slice(0, count);
}
