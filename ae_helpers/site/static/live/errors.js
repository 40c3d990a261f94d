// How far a reconstruction is from its image, as `measures/errors.py`.

/**
 * The mean of the squared differences of their pixels.
 * @param {ArrayLike<number>} image @param {ArrayLike<number>} rebuilt
 */
export function meanSquare(image, rebuilt) {
  let sum = 0;
  for (let i = 0; i < image.length; i++) sum += (image[i] - rebuilt[i]) ** 2;
  return Math.fround(sum / image.length);
}
