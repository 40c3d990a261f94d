// The random numbers that torch draws on a CPU from a seed, so that a page draws the same ones.

/**
 * Whole numbers below 2³², one after another, by the Mersenne Twister (Matsumoto and Nishimura,
 * 1998), as `torch.Generator` draws them.
 * @param {number} seed
 */
function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++)
    state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let used = 624;
  return () => {
    if (used === 624) {
      for (let i = 0; i < 624; i++) {
        const pair = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (pair >>> 1) ^ (pair & 1 ? 0x9908b0df : 0);
      }
      used = 0;
    }
    let number = state[used++];
    number ^= number >>> 11;
    number ^= (number << 7) & 0x9d2c5680;
    number ^= (number << 15) & 0xefc60000;
    return (number ^ (number >>> 18)) >>> 0;
  };
}

/**
 * So many numbers of a standard normal distribution, as `torch.randn` draws 16 or more: eight
 * pairs at a time, by the method of Box and Muller; the last ones anew if eight pairs don't fit.
 * @param {number} count at least 16 @param {number} seed
 */
export function normal(count, seed) {
  const next = twister(seed);
  const share = () => (next() % 2 ** 24) / 2 ** 24;
  const numbers = Float32Array.from({ length: count }, share);
  const pairs = (/** @type {number} */ start) => {
    for (let i = start; i < start + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]));
      const angle = 2 * Math.PI * numbers[i + 8];
      [numbers[i], numbers[i + 8]] = [radius * Math.cos(angle), radius * Math.sin(angle)];
    }
  };
  for (let start = 0; start + 16 <= count; start += 16) pairs(start);
  if (count % 16) {
    for (let i = count - 16; i < count; i++) numbers[i] = share();
    pairs(count - 16);
  }
  return numbers;
}

/** The numbers from 0 to `count` − 1 in random order, as `torch.randperm`. @param {number} count @param {number} seed */
export function shuffled(count, seed) {
  const next = twister(seed);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count - 1; i++) {
    const other = i + (next() % (count - i));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}
