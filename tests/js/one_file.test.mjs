import assert from "node:assert/strict";
import { test } from "node:test";
import { oneFile, PAUSES } from "../../static/js/files/one_file.js";

const ASSET = { asset: "a1", new: true };
// Answers to the questions and the tries, in turn; the last one again and again.
const server = (known, puts) => {
  const seen = { asked: 0, put: 0, paused: [] };
  const nth = (list, n) => list[Math.min(n, list.length - 1)];
  return {
    seen,
    known: async () => nth(known, seen.asked++),
    put: async () => nth(puts, seen.put++),
    pause: async (seconds) => seen.paused.push(seconds),
  };
};
const refusal = (status, reason, error = "Because.") => ({ status, answer: { error, reason } });

test("what the team has is not sent", async () => {
  const far = server([ASSET], [{ status: 201, answer: ASSET }]);
  assert.deepEqual(await oneFile({}, far), { end: "here", answer: ASSET, error: "" });
  assert.equal(far.seen.put, 0);
});

test("a new file is new, and one that the server found is here", async () => {
  const fresh = server([null], [{ status: 201, answer: ASSET }]);
  assert.equal((await oneFile({}, fresh)).end, "new");
  const found = server([null], [{ status: 200, answer: { ...ASSET, new: false } }]);
  assert.equal((await oneFile({}, found)).end, "here");
});

test("a connection that was cut is tried again, unless the file arrived after all", async () => {
  const cut = { status: 0, answer: null };
  const back = server([null], [cut, cut, { status: 201, answer: ASSET }]);
  assert.equal((await oneFile({}, back)).end, "new");
  assert.deepEqual(back.seen.paused, PAUSES.slice(0, 2));
  const arrived = server([null, ASSET], [cut]);
  assert.equal((await oneFile({}, arrived)).end, "here");
  assert.equal(arrived.seen.put, 1);
});

test("a connection that stays away stops the others, after every pause", async () => {
  for (const status of [0, 502, 504]) {
    const far = server([null], [{ status, answer: null }]);
    assert.deepEqual(await oneFile({}, far), { end: "stop", error: "" });
    assert.deepEqual(far.seen.paused, PAUSES);
    assert.equal(far.seen.put, PAUSES.length + 1);
  }
});

test("a busy server is asked again and then refuses this file only", async () => {
  const some = ["decoder-busy", "decoder-lost", "slow-body", "uploads", "uploads-of-a-person"];
  for (const reason of some) {
    const far = server([null], [refusal(503, reason), { status: 201, answer: ASSET }]);
    assert.equal((await oneFile({}, far)).end, "new", reason);
    const ever = server([null], [refusal(503, reason)]);
    assert.deepEqual(await oneFile({}, ever), { end: "refused", error: "Because." });
  }
});

test("a full hour and a sign-out stop the others at once; a full store refuses one file", async () => {
  for (const [status, reason] of [
    [429, "hour-full"],
    [401, ""],
    [403, ""],
    [404, ""],
  ]) {
    const far = server([null], [refusal(status, reason)]);
    assert.deepEqual(await oneFile({}, far), { end: "stop", error: "Because." });
    assert.deepEqual(far.seen.paused, []);
  }
  for (const answer of [refusal(429, ""), refusal(415, "unknown-type"), refusal(500, "")]) {
    const far = server([null], [answer]);
    assert.deepEqual(await oneFile({}, far), { end: "refused", error: "Because." });
    assert.equal(far.seen.put, 1);
  }
});
