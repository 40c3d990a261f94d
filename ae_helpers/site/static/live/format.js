// Numbers as Python's format writes them: exactly rounded, a tie to the even neighbour.

const SPEC = /^(\+?)(,?)(?:\.(\d+))?([dfge%]?)$/;

/**
 * What `f"{value:spec}"` gives in Python, for the kinds of spec that readouts use: `+`, `,`, a
 * precision, and one of `d`, `f`, `g`, `e` and `%`; also `,` alone, for whole numbers.
 * @param {number} value
 * @param {string} spec such as ".4f", ",", ".0%"
 * @returns {string}
 */
export function format(value, spec) {
  const parts = SPEC.exec(spec);
  if (!parts) {
    throw new Error(`The format is "${spec}"; expected one like ".4f", ",.3f", ".0%", "g" or ",".`);
  }
  const [, plus, comma, precision = "6", kind] = parts;
  if (kind === "%") value *= 100;
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : plus;
  const text = Number.isFinite(value)
    ? unsigned(size, kind || "d", Number(precision))
    : named(size);
  return sign + (comma ? grouped(text) : text) + (kind === "%" ? "%" : "");
}

/**
 * The nearest whole number, of two equally near ones the even one: Python's and torch's `round`.
 * @param {number} value
 */
export function round(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/**
 * What `f"{value}"` gives in Python for a float: 1.0, 0.1, 1e-05.
 * @param {number} value
 */
export function float(value) {
  if (!Number.isFinite(value)) return value < 0 ? `-${named(-value)}` : named(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size && (size < 1e-4 || size >= 1e16)) return sign + powers(size.toExponential());
  return `${sign}${size}${Number.isInteger(size) ? ".0" : ""}`;
}

/** @param {number} size */
const named = (size) => (Number.isNaN(size) ? "nan" : "inf");

/** @param {number} size @param {string} kind @param {number} precision */
function unsigned(size, kind, precision) {
  if (kind === "d") return `${BigInt(size)}`;
  if (kind === "g") return general(size, Math.max(precision, 1));
  return kind === "e" ? scientific(size, precision) : fixed(size, precision);
}

/** @param {number} size @param {number} digits after the point */
function fixed(size, digits) {
  if (size < 1e21) return even(size.toFixed(digits), size.toFixed(100));
  return `${BigInt(size)}${digits ? `.${"0".repeat(digits)}` : ""}`; // where toFixed gives 1e+21
}

/** @param {number} size @param {number} digits after the point */
function scientific(size, digits) {
  const [rounded, exact] = [digits, 100].map((each) => size.toExponential(each).split("e"));
  // Where rounding has made 1.0e+1 of 9.95, its last digit was odd: up is right, tie or not.
  const same = rounded[1] === exact[1];
  return powers(`${same ? even(rounded[0], exact[0]) : rounded[0]}e${rounded[1]}`);
}

/** @param {number} size @param {number} digits that count */
function general(size, digits) {
  const [mantissa, power] = scientific(size, digits - 1).split("e");
  const short = (/** @type {string} */ text) =>
    text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  if (+power < -4 || +power >= digits) return `${short(mantissa)}e${power}`;
  return short(fixed(size, digits - 1 - +power));
}

/**
 * JavaScript rounds a tie up; Python takes the neighbour whose last digit is even. No double comes
 * so near to a tie that a hundred digits can't tell them apart.
 * @param {string} rounded by JavaScript
 * @param {string} exact with a hundred digits after the point
 */
function even(rounded, exact) {
  const point = exact.indexOf(".");
  const digits = rounded.includes(".") ? rounded.length - rounded.indexOf(".") : 0;
  const cut = exact.slice(0, point + digits); // without the point if no digit follows
  const rest = exact.slice(point + Math.max(digits, 1));
  return /^50*$/.test(rest) && Number(cut.at(-1)) % 2 === 0 ? cut : rounded;
}

/** 1e-5 as Python writes it: 1e-05. @param {string} text */
const powers = (text) => text.replace(/e([+-])(\d)$/, "e$10$2");

/** @param {string} text */
function grouped(text) {
  const whole = /^\d+/.exec(text)?.[0] ?? "";
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + text.slice(whole.length);
}

/**
 * How a readout calls a digit, or an image of another `kind`, as `explorer.digit_name`.
 * @param {number} number @param {import("./pictures.js").Tensor | null} labels
 */
export function digitName(number, labels, kind = "digit") {
  return `${kind} ${number}${labels ? ` (label ${labels.data[number]})` : ""}`;
}
