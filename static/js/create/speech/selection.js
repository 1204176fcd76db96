// What is kept of a sound, as numbers: a list of parts, each [start, stop] in milliseconds, in
// order and apart. Nothing here touches the page.

export const SHORTEST = 100; // ms of a part that the server takes
export const BREATH = 150; // ms of silence left at an end that was moved to one
const WIDTH = 600; // units across the drawing
const NEAR = 5; // ms that a seek may land beside its aim

/** The parts of “2100-18000.19900-43300”, as the field [data-keep] holds them; none for "". */
export const parse = (word) =>
  word ? word.split(".").map((part) => part.split("-").map(Number)) : [];

export const write = (parts) => parts.map((part) => part.join("-")).join(".");

/** Milliseconds of all parts together. */
export const lengthOf = (parts) => parts.reduce((sum, [start, stop]) => sum + stop - start, 0);

export const startOf = (parts) => parts[0][0];
export const stopOf = (parts) => parts.at(-1)[1];

/** `parts` with their outer ends at `start` and `stop`; what is left shorter than SHORTEST goes. */
export const between = (parts, start, stop) => {
  const inside = parts
    .map(([a, b]) => [Math.max(a, start), Math.min(b, stop)])
    .filter(([a, b]) => b - a >= SHORTEST);
  if (!inside.length) return [[start, stop]];
  inside[0][0] = start;
  inside.at(-1)[1] = stop;
  return inside;
};

/**
 * `parts` with one end ("start" or "end") moved to `ms`, as far as the other end and the sound let
 * it. `base` is what the drawing came with: a gap that was dragged over is there again when one
 * drags back.
 */
export const moved = (parts, base, end, ms, { whole, least }) => {
  let [start, stop] = [startOf(parts), stopOf(parts)];
  if (end === "start") start = Math.max(0, Math.min(ms, stop - least));
  else stop = Math.min(whole, Math.max(ms, start + least));
  return between(base, start, stop);
};

const nearest = (moments, at) =>
  moments.reduce(
    (best, moment) => (Math.abs(moment - at) < Math.abs(best - at) ? moment : best),
    moments[0],
  );

/**
 * `parts` with both ends at the silences of `quiet` nearest to them, as long as what is left may
 * be used.
 */
export const snapped = (parts, base, quiet, { least, most }) => {
  const usable = (start, stop) =>
    stop - start >= least &&
    (lengthOf(parts) > most || lengthOf(between(base, start, stop)) <= most);
  const [first, last] = [startOf(parts), stopOf(parts)];
  const starts = quiet.map(([a, b]) => Math.max(a, b - BREATH)).filter((at) => usable(at, last));
  const start = starts.length ? nearest(starts, first) : first;
  const stops = quiet.map(([a, b]) => Math.min(b, a + BREATH)).filter((at) => usable(start, at));
  return between(base, start, stops.length ? nearest(stops, last) : last);
};

/** Where a moment is in the drawing, as an SVG attribute. */
export const across = (ms, whole) => ((ms * WIDTH) / whole).toFixed(1);

/**
 * The drawing's rectangles, [{kind, x, width}]: what is left out ("off") first, so that the edges
 * of the "kept" ones lie above it.
 */
export const bands = (parts, whole) => {
  const band = (kind, [a, b]) => ({ kind, x: across(a, whole), width: across(b - a, whole) });
  const edges = [0, ...parts.flat(), whole];
  const gaps = [];
  for (let i = 0; i < edges.length; i += 2) {
    if (edges[i] < edges[i + 1]) gaps.push([edges[i], edges[i + 1]]);
  }
  return [...gaps.map((gap) => band("off", gap)), ...parts.map((part) => band("kept", part))];
};

/**
 * What a player that hears only the parts does at `ms`: "rest" after the last one, the start of
 * the next one to seek to, or null while it is inside one.
 */
export const nextStep = (parts, ms) => {
  const part = parts.find(([, stop]) => ms < stop - NEAR);
  if (!part) return "rest";
  return ms < part[0] - NEAR ? part[0] : null;
};
