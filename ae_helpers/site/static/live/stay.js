// In a small window, what a control changes must be in sight while it is moved. On a phone held
// upright, the smaller part of an explorer stays while the other scrolls: its settings, or its
// pictures, made so small that they leave room. On one held across, pictures stay beside settings.

const NARROW = 600; // pixels of a window's width, up to which it counts as a phone held upright
const LOW = 500; // of its height, up to which it counts as one held across
const FEW = 1 / 3; // of its height: settings that take no more stay
const MOST = 0.45; // of its height, that pictures take which stay
const LEAST = 65; // percent of its size that a picture has below settings that stay; else they scroll
const GAP = 8; // pixels that stay free

/**
 * Arrange an explorer in its place, and again whenever the window has another width (its height
 * changes with every bar and keyboard that a phone shows) or the pictures another height.
 * @param {HTMLElement} explorer
 */
export function arrange(explorer) {
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (explorer.querySelector(name));
  const [settings, pictures] = [part(".ae-settings"), part(".ae-pictures")];
  let before = [0, 0];
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    if (width === before[0] && pictures.offsetHeight === before[1]) return;
    explorer.dataset.stays = ""; // so that both have their own sizes
    const header = /** @type {HTMLElement | null} */ (document.querySelector(".bd-header-article"));
    const top = header?.offsetHeight ?? 0;
    const room = height - top - GAP;
    if (width > height && height <= LOW) {
      explorer.dataset.stays = "beside";
      fit(pictures, room);
    } else if (width <= NARROW && settings.offsetHeight <= FEW * height) {
      explorer.dataset.stays = "settings";
      fit(pictures, room - settings.offsetHeight, LEAST);
    } else if (width <= NARROW) {
      explorer.dataset.stays = "pictures";
      const parts = [...settings.querySelectorAll("input, canvas")];
      const tallest = Math.max(...parts.map(({ clientHeight }) => clientHeight));
      fit(pictures, Math.min(MOST * height, room - tallest));
    } else fit(pictures, Infinity);
    before = [width, pictures.offsetHeight];
    const { style } = explorer;
    style.setProperty("--ae-top", `${top}px`);
    style.setProperty("--ae-settings", `${settings.offsetHeight}px`);
    style.setProperty("--ae-pictures", `${before[1]}px`);
  }).observe(explorer);
}

/**
 * Make pictures as large as fits, but not larger than they are; if too little would be left, leave them.
 * @param {HTMLElement} pictures @param {number} height @param {number} [least] percent of their size
 */
function fit(pictures, height, least = 20) {
  const fits = (/** @type {number} */ percent) => {
    pictures.style.setProperty("--ae-scale", `${percent / 100}`);
    return pictures.offsetHeight <= height;
  };
  let percent = 100;
  while (!fits(percent) && percent > least) percent -= 3;
  if (!fits(percent)) fits(100);
  for (const canvas of pictures.querySelectorAll("canvas"))
    canvas.classList.toggle("ae-shrunk", canvas.width > canvas.clientWidth); // or it loses lines
}
