import assert from "node:assert/strict";
import { test } from "node:test";
import { frameAt, inStep, started } from "../../static/js/board/in_step.js";

const video = (changes = {}) => ({ at: 2, rate: 1, plays: true, ...changes });
const sound = (changes = {}) => ({ at: 2, end: 10, ended: false, ready: true, ...changes });
const step = (of, to, memory = {}, now = 5000) => inStep(of, to, { ...started(), ...memory }, now);

test("in step it plays at the video's rate", () => {
  const { plays, rate, seek } = step(video({ rate: 2 }), sound({ at: 2.05 }));
  assert.deepEqual([plays, rate, seek], [true, 2, null]);
});

test("it has not jumped before it began", () => {
  assert.equal(inStep(video(), sound({ at: 5 }), started(), 400).seek, null);
  assert.equal(inStep(video(), sound({ at: 5 }), started(), 401).seek, 2);
});

test("a little apart it runs slower or faster until they meet", () => {
  const ahead = step(video(), sound({ at: 2.1 }));
  assert.deepEqual([ahead.rate, ahead.seek, ahead.memory.bends], [0.9, null, true]);
  const behind = step(video({ rate: 2 }), sound({ at: 1.9 }));
  assert.equal(behind.rate, 2.2);
  assert.equal(step(video(), sound({ at: 2.05 }), { bends: true }).rate, 0.9, "it has not met yet");
  assert.equal(step(video(), sound({ at: 2.018 }), { bends: true }).rate, 0.9 + 0.1);
  assert.equal(step(video(), sound({ at: 2.022 }), { bends: true }).rate, 0.9);
});

test("far apart it jumps, and remembers when", () => {
  const { seek, memory, rate } = step(video(), sound({ at: 5 }));
  assert.equal(seek, 2);
  assert.deepEqual([memory.jumped, memory.landing, rate], [5000, true, 1]);
});

test("a jump has time to land", () => {
  assert.equal(step(video(), sound({ at: 5 }), { jumped: 4600 }).seek, null);
  assert.equal(step(video(), sound({ at: 5 }), { jumped: 4599 }).seek, 2);
});

test("the next jump leads by half of what the last one came late, within bounds", () => {
  const late = step(video({ rate: 2 }), sound({ at: 1.4 }), { landing: true });
  assert.ok(Math.abs(late.memory.lead - 0.15) < 1e-9);
  assert.ok(Math.abs(late.seek - 2.3) < 1e-9, "in the video's own time");
  assert.equal(step(video({ at: 6 }), sound({ at: 2 }), { landing: true }).memory.lead, 0.5);
  assert.equal(step(video(), sound({ at: 3 }), { landing: true }).memory.lead, 0);
  assert.equal(step(video(), sound({ at: 1 })).memory.lead, 0, "it did not jump");
});

test("what cannot be judged yet is left alone", () => {
  const { seek, rate, plays } = step(video(), sound({ at: 5, ready: false }));
  assert.deepEqual([seek, rate, plays], [null, 1, true]);
});

test("it rests with the video, at its place", () => {
  const rested = step(video({ plays: false }), sound({ at: 2.2 }), { landing: true });
  assert.deepEqual([rested.plays, rested.seek, rested.memory.landing], [false, 2, false]);
  assert.equal(step(video({ plays: false }), sound({ at: 2.05 })).seek, null);
});

test("where it is shorter than the video it rests at its end, and is not begun again", () => {
  const past = step(video({ at: 12 }), sound({ at: 10 }));
  assert.deepEqual([past.plays, past.seek], [false, null]);
  assert.equal(step(video({ at: 9.8 }), sound({ at: 10, ended: true })).plays, false);
  assert.equal(step(video({ at: 9.7 }), sound({ at: 10, ended: true })).plays, true);
  assert.equal(step(video({ at: 9.8 }), sound({ at: 9.8 })).plays, true);
  assert.equal(step(video({ at: 10 }), sound({ at: 10 })).plays, false);
});

test("a frame further or back, a little into it, and never past the ends", () => {
  const of = { fps: 25, length: 2 };
  const near = (value, wanted) => assert.ok(Math.abs(value - wanted) < 1e-9, `${value}`);
  near(frameAt(1, 1, of), 26 / 25 + 0.001);
  near(frameAt(1.001, -1, of), 24 / 25 + 0.001);
  near(frameAt(0.0399999, 1, of), 2 / 25 + 0.001);
  assert.equal(frameAt(0.01, -1, of), 0);
  near(frameAt(2, 1, of), 49 / 25 + 0.001);
  assert.equal(frameAt(0, 1, { fps: 25, length: 0 }), 0);
  near(frameAt(9, 1, { fps: 25, length: 1.99 }), 49 / 25 + 0.001);
});
