import assert from "node:assert/strict";
import { test } from "node:test";
import {
  across,
  bands,
  between,
  lengthOf,
  moved,
  nextStep,
  parse,
  snapped,
  startOf,
  stopOf,
  write,
} from "../../static/js/create/speech/selection.js";

const LIMITS = { whole: 20_000, least: 1000, most: 60_000 };

test("parts are read and written as the server does it", () => {
  const parts = [
    [2100, 18_000],
    [19_900, 43_300],
  ];
  assert.deepEqual(parse("2100-18000.19900-43300"), parts);
  assert.equal(write(parts), "2100-18000.19900-43300");
  assert.deepEqual(parse(""), []);
  assert.equal(lengthOf(parts), 39_300);
  assert.equal(startOf(parts), 2100);
  assert.equal(stopOf(parts), 43_300);
});

test("new ends cut the parts and leave the gaps inside", () => {
  const parts = parse("0-4000.6000-9000.12000-20000");
  assert.equal(write(between(parts, 3000, 15_000)), "3000-4000.6000-9000.12000-15000");
});

test("what a new end leaves shorter than the server takes goes, and its neighbour reaches to the end", () => {
  const parts = parse("0-4000.6000-9000");
  assert.equal(write(between(parts, 3950, 9000)), "3950-9000");
  assert.equal(write(between(parts, 3900, 9000)), "3900-4000.6000-9000");
  assert.equal(write(between(parts, 0, 6050)), "0-6050");
});

test("ends inside a gap keep what lies between them", () => {
  assert.equal(write(between(parse("0-4000.6000-9000"), 4500, 5500)), "4500-5500");
});

test("an end moves as far as the other end and the sound let it", () => {
  const parts = [[2000, 9000]];
  const move = (end, ms) => write(moved(parts, [[0, 20_000]], end, ms, LIMITS));
  assert.equal(move("start", 3000), "3000-9000");
  assert.equal(move("start", -500), "0-9000");
  assert.equal(move("start", 8700), "8000-9000");
  assert.equal(move("end", 8000), "2000-8000");
  assert.equal(move("end", 30_000), "2000-20000");
  assert.equal(move("end", 2100), "2000-3000");
});

test("a gap that was dragged over is there again on the way back", () => {
  const base = parse("0-4000.6000-9000");
  const over = moved(base, base, "start", 7000, LIMITS);
  assert.equal(write(over), "7000-9000");
  assert.equal(write(moved(over, base, "start", 1000, LIMITS)), "1000-4000.6000-9000");
});

test("both ends go to the nearest silence, with a breath of it", () => {
  const quiet = parse("0-2100.9000-9600.19200-20000");
  const parts = [[2600, 18_800]];
  assert.equal(write(snapped(parts, [[0, 20_000]], quiet, LIMITS)), "1950-19350");
});

test("a short silence is not left by more than itself", () => {
  const quiet = parse("2000-2100.18000-18050");
  assert.equal(write(snapped([[2200, 17_900]], [[0, 20_000]], quiet, LIMITS)), "2000-18050");
});

test("no silence is taken that leaves too little or, of what fitted, too much", () => {
  const all = [[0, 20_000]];
  assert.equal(write(snapped([[0, 3000]], all, parse("1800-2400"), LIMITS)), "0-1950");
  assert.equal(write(snapped([[0, 3000]], all, parse("2300-2400"), LIMITS)), "0-2400");
  const tight = { ...LIMITS, most: 6000 };
  assert.equal(write(snapped([[1000, 6500]], all, parse("0-100.7200-7400"), tight)), "1000-6500");
  assert.equal(
    write(snapped([[1000, 9500]], all, parse("0-100.9600-9900"), tight)),
    "0-9750",
    "it is too long anyhow",
  );
});

test("a limit may be reached, not passed", () => {
  const all = [[0, 20_000]];
  const limits = { whole: 20_000, least: 1950, most: 3950 };
  assert.equal(write(snapped([[0, 3000]], all, parse("1800-2400"), limits)), "0-1950");
  assert.equal(write(snapped([[0, 3900]], all, parse("3800-4000"), limits)), "0-3950");
  assert.equal(write(snapped([[0, 3950]], all, parse("3900-4100"), limits)), "0-3950");
  assert.equal(write(snapped([[0, 3951]], all, parse("5000-5200"), limits)), "0-5150");
});

test("of several silences the nearest is taken, the first of two that are as near", () => {
  const all = [[0, 20_000]];
  const quiet = parse("1850-2000.6850-7000.10850-11000");
  assert.equal(write(snapped([[6000, 18_000]], all, quiet, LIMITS)), "6850-11000");
  assert.equal(write(snapped([[4350, 18_000]], all, quiet, LIMITS)), "1850-11000");
  assert.equal(write(snapped([[4351, 18_000]], all, quiet, LIMITS)), "6850-11000");
});

test("without a silence nothing moves", () => {
  assert.equal(write(snapped([[500, 3000]], [[0, 20_000]], [], LIMITS)), "500-3000");
});

test("the drawing has what is left out first, then what is kept", () => {
  assert.deepEqual(bands(parse("2000-8000.10000-20000"), 20_000), [
    { kind: "off", x: "0.0", width: "60.0" },
    { kind: "off", x: "240.0", width: "60.0" },
    { kind: "kept", x: "60.0", width: "180.0" },
    { kind: "kept", x: "300.0", width: "300.0" },
  ]);
  assert.deepEqual(bands([[0, 20_000]], 20_000), [{ kind: "kept", x: "0.0", width: "600.0" }]);
  assert.equal(across(5000, 20_000), "150.0");
  const [before] = bands(parse("600-600000"), 600_000);
  assert.deepEqual(before, { kind: "off", x: "0.0", width: "0.6" });
});

test("a player of what is kept jumps over gaps and rests at the end", () => {
  const parts = parse("1000-4000.6000-9000");
  assert.equal(nextStep(parts, 0), 1000);
  assert.equal(nextStep(parts, 994), 1000);
  assert.equal(nextStep(parts, 995), null, "a seek may land a little beside its aim");
  assert.equal(nextStep(parts, 2000), null);
  assert.equal(nextStep(parts, 3994), null);
  assert.equal(nextStep(parts, 3995), 6000);
  assert.equal(nextStep(parts, 5000), 6000);
  assert.equal(nextStep(parts, 8996), "rest");
});
