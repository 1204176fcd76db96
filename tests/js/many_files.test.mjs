import assert from "node:assert/strict";
import { test } from "node:test";
import { manyFiles } from "../../static/js/files/many_files.js";

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const scene = (atOnce = 2) => {
  const under = new Map();
  const seen = { ended: [], idle: 0, most: 0, told: null };
  const run = manyFiles({
    atOnce,
    send: (job) =>
      new Promise((resolve) => {
        under.set(job, resolve);
        seen.most = Math.max(seen.most, under.size);
      }),
    changed: (state, jobs) => {
      seen.told = { ...state, jobs };
    },
    ended: (job, outcome) => seen.ended.push([job, outcome.end]),
    idle: () => {
      seen.idle += 1;
    },
  });
  const finish = async (job, outcome) => {
    under.get(job)(outcome);
    under.delete(job);
    await settle();
  };
  return { run, seen, under, finish };
};
const NEW = { end: "new", error: "" };

test("200 files go in a row, two at a time, and refused ones hold up no other", async () => {
  const { run, seen, under, finish } = scene();
  run.add(Array.from({ length: 200 }, (_, n) => n));
  assert.deepEqual([...under.keys()], [0, 1]);
  for (let n = 0; n < 200; n++) {
    assert.equal(run.busy(), true);
    const ends = { 3: "refused", 5: "here" };
    await finish(n, { end: ends[n] ?? "new", error: "" });
  }
  assert.equal(seen.most, 2);
  assert.equal(seen.idle, 1);
  assert.equal(run.busy(), false);
  const { total, done, fresh, here, refused, waiting } = seen.told;
  assert.deepEqual([total, done, fresh, here, refused, waiting], [200, 200, 198, 1, 1, 0]);
});

test("a stop keeps the file and all behind it, and going on sends each once", async () => {
  const { run, seen, under, finish } = scene(1);
  run.add(["a", "b", "c"]);
  await finish("a", NEW);
  await finish("b", { end: "stop", error: "The hour is full." });
  assert.deepEqual([seen.told.halted, seen.told.why], [true, "The hour is full."]);
  assert.equal(seen.told.waiting, 2);
  assert.equal(run.busy(), true, "leaving now would lose two files");
  assert.equal(under.size, 0);
  run.goOn();
  assert.deepEqual([seen.told.halted, seen.told.why], [false, ""]);
  await finish("b", NEW);
  await finish("c", NEW);
  assert.deepEqual(
    seen.ended.map(([job, end]) => `${job} ${end}`),
    ["a new", "b stop", "b new", "c new"],
  );
  assert.deepEqual([seen.told.total, seen.told.done], [3, 3]);
});

test("files that come while others go are counted with them, those after begin anew", async () => {
  const { run, seen, finish } = scene(1);
  run.add(["a"]);
  run.add(["b", "c"]);
  assert.equal(seen.told.total, 3);
  for (const job of ["a", "b", "c"]) await finish(job, NEW);
  run.add(["d"]);
  assert.deepEqual([seen.told.total, seen.told.done], [1, 0]);
  run.add([]);
  assert.equal(seen.told.total, 1);
});

test("more files after a stop go on with those that wait", async () => {
  const { run, seen, under, finish } = scene(1);
  run.add(["a", "b"]);
  await finish("a", { end: "stop", error: "" });
  run.add(["c"]);
  assert.deepEqual([...under.keys()], ["a"]);
  assert.equal(seen.told.total, 3);
});
