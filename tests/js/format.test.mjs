import assert from "node:assert/strict";
import { test } from "node:test";
import { length, minutes, passed, position, tenths } from "../../static/js/format.js";

const plain = (words) => words.replaceAll("\u00a0", " ");

test("tenths of a second are rounded half up, as the server does it", () => {
  assert.equal(tenths(0), "0.0");
  assert.equal(tenths(2149), "2.1");
  assert.equal(tenths(2150), "2.2");
  assert.equal(tenths(43_300), "43.3");
});

test("a length is seconds with a decimal below a minute, then minutes and seconds", () => {
  assert.equal(plain(length(13_900)), "13.9 s");
  assert.equal(plain(length(59_949)), "59.9 s");
  assert.equal(plain(length(59_950)), "1 m 0 s");
  assert.equal(plain(length(64_400)), "1 m 4 s");
  assert.equal(plain(length(64_500)), "1 m 5 s");
  assert.equal(plain(length(600_000)), "10 m 0 s");
  assert.ok(!length(64_000).includes(" "), "it does not break at the end of a line");
});

test("what has passed is told in the two largest units", () => {
  assert.equal(plain(passed(-3)), "0 s");
  assert.equal(plain(passed(59.9)), "59 s");
  assert.equal(plain(passed(60)), "1 m 0 s");
  assert.equal(plain(passed(553)), "9 m 13 s");
  assert.equal(plain(passed(3599)), "59 m 59 s");
  assert.equal(plain(passed(3600)), "1 h 0 m");
  assert.equal(plain(passed(85_939)), "23 h 52 m");
  assert.ok(!passed(4000).includes(" "));
});

test("a position in a video has tenths, carried into seconds and minutes", () => {
  assert.equal(position(0), "0:00.0");
  assert.equal(position(9.95), "0:10.0");
  assert.equal(position(59.96), "1:00.0");
  assert.equal(position(61.24), "1:01.2");
});

test("minutes count whole seconds", () => {
  assert.equal(minutes(0), "0:00");
  assert.equal(minutes(65.9), "1:05");
  assert.equal(minutes(600), "10:00");
  assert.equal(minutes(13 * 60 + 7), "13:07", "hours and minutes of a day read the same way");
});
