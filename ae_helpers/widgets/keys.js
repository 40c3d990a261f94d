// What an arrow key says to Python. It stands before each module that answers to them.
/** @type {Record<string, { right?: number, down?: number }>} */
const STEPS = {
  ArrowLeft: { right: -1 },
  ArrowRight: { right: 1 },
  ArrowUp: { down: -1 },
  ArrowDown: { down: 1 },
};
