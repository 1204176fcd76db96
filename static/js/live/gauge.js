// The drawing of a gauge, in percent of its width. Nothing here touches the page.

const tenth = (number) => Math.round(number * 10) / 10;

/**
 * SVG attributes by part for `elapsed` seconds against the usual range `low` … `high`: the whole
 * is wide enough for both, and what goes past `high` is late.
 */
export const gauge = (elapsed, low, high) => {
  const whole = Math.max(high / 0.84, elapsed / 0.92) || 1;
  const share = (part) => tenth(Math.min(1, part / whole) * 100);
  return {
    usual: { x: share(low), width: tenth(share(high) - share(low)) },
    now: { width: share(Math.min(elapsed, high)) },
    late: { x: share(high), width: Math.max(0, share(elapsed) - share(high)) },
    pin: { x1: share(elapsed), x2: share(elapsed) },
  };
};
