import assert from "node:assert/strict";
import { test } from "node:test";
import { confirmed } from "../../static/js/create/speech/confirmed.js";
import { level } from "../../static/js/create/speech/level.js";

test("only the price of the one click changes", () => {
  assert.equal(
    confirmed("make=100 clip=20 remake=7", "make=90 clip=30", "make"),
    "make=90 clip=20 remake=7",
  );
  assert.equal(confirmed("clip=20 make=100", "clip=30 make=90", "make"), "clip=20 make=90");
  assert.equal(confirmed("remake=7 make=1", "remake=9 make=2", "make"), "remake=7 make=2");
});

test("without a price on one side nothing changes", () => {
  assert.equal(confirmed("make=100", "clip=30", "make"), "make=100");
  assert.equal(confirmed("clip=20", "make=90", "make"), "clip=20");
  assert.equal(confirmed("", "make=90", "make"), "");
});

test("the level goes from 50 dB below full scale to full scale", () => {
  const tone = (height) => Float32Array.of(height, -height, height, -height);
  assert.equal(level(tone(0)), 0);
  assert.equal(level(tone(1)), 1);
  assert.equal(level(tone(0.001)), 0);
  assert.ok(Math.abs(level(tone(0.1)) - 0.6) < 1e-6);
  assert.ok(level(tone(0.5)) > level(tone(0.25)));
  assert.equal(level(tone(2)), 1);
});
