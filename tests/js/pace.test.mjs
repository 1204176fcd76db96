import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { paced } from "../../static/js/pace.js";

const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};
const slow = () => {
  const asked = [];
  const task = () => new Promise((resolve, reject) => asked.push({ resolve, reject }));
  return { asked, task };
};

test("it runs at once, one at a time, and once more for all that was called meanwhile", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { asked, task } = slow();
  const call = paced(task, 100);
  call();
  assert.equal(asked.length, 1);
  call();
  call();
  mock.timers.tick(500);
  await settle();
  assert.equal(asked.length, 1, "the first has not come back");
  asked[0].resolve();
  await settle();
  assert.equal(asked.length, 2);
  asked[1].resolve();
  mock.timers.tick(100);
  await settle();
  assert.equal(asked.length, 2, "nothing was called since");
  call();
  assert.equal(asked.length, 3);
});

test("between two runs there is a pause, however quick the task", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { asked, task } = slow();
  const call = paced(task, 100);
  call();
  call();
  asked[0].resolve();
  mock.timers.tick(99);
  await settle();
  assert.equal(asked.length, 1);
  mock.timers.tick(1);
  await settle();
  assert.equal(asked.length, 2);
});

test("a task that fails does not stop the next", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { asked, task } = slow();
  const call = paced(task, 100);
  call();
  call();
  asked[0].reject(new Error("away"));
  mock.timers.tick(100);
  await settle();
  assert.equal(asked.length, 2);
});
