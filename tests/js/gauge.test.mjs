import assert from "node:assert/strict";
import { test } from "node:test";
import { gauge } from "../../static/js/live/gauge.js";

test("within the usual range nothing is late", () => {
  assert.deepEqual(gauge(50, 40, 84), {
    usual: { x: 40, width: 44 },
    now: { width: 50 },
    late: { x: 84, width: 0 },
    pin: { x1: 50, x2: 50 },
  });
});

test("past it the whole grows with the time, and the rest is late", () => {
  const { usual, now, late, pin } = gauge(184, 40, 84);
  assert.deepEqual(pin, { x1: 92, x2: 92 });
  assert.equal(now.width, 42);
  assert.deepEqual(usual, { x: 20, width: 22 });
  assert.deepEqual(late, { x: 42, width: 50 });
});

test("shares are rounded to a tenth", () => {
  const { usual, pin } = gauge(33.36, 10.06, 84);
  assert.equal(pin.x1, 33.4);
  assert.deepEqual(usual, { x: 10.1, width: 73.9 });
});

test("without a range and a time nothing is drawn", () => {
  const { usual, now, late, pin } = gauge(0, 0, 0);
  assert.deepEqual([usual.width, now.width, late.width, pin.x1], [0, 0, 0, 0]);
});
