// Times as the server writes them. Nothing here touches the page.

const NBSP = "\u00a0";
const two = (number) => String(number).padStart(2, "0");

/** Milliseconds as seconds with one decimal, rounded half up: 2150 → "2.2". */
export const tenths = (ms) => (Math.floor((ms + 50) / 100) / 10).toFixed(1);

/**
 * The length of a sound, as the filter `seconds` writes it: 13900 → "13.9 s", 64000 → "1 m 4 s".
 */
export const length = (ms) => {
  if (Math.round(ms / 100) < 600) return `${tenths(ms)}${NBSP}s`;
  const seconds = Math.round(ms / 1000);
  return [Math.floor(seconds / 60), "m", seconds % 60, "s"].join(NBSP);
};

/**
 * Whole seconds that have passed: 41 → "41 s", 553 → "9 m 13 s", 86000 → "23 h 53 m"; never
 * negative.
 */
export const passed = (seconds) => {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}${NBSP}s`;
  if (s < 3600) return [Math.floor(s / 60), "m", s % 60, "s"].join(NBSP);
  return [Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "m"].join(NBSP);
};

/** A position in a video to a tenth of a second: 61.25 → "1:01.3". */
export const position = (seconds) => {
  const all = Math.round(seconds * 10);
  return `${Math.floor(all / 600)}:${two(Math.floor((all % 600) / 10))}.${all % 10}`;
};

/** Minutes and whole seconds: 65.9 → "1:05". */
export const minutes = (seconds) => {
  const s = Math.floor(seconds);
  return `${Math.floor(s / 60)}:${two(s % 60)}`;
};
