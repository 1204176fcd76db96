import assert from "node:assert/strict";
import { test } from "node:test";
import {
  corner,
  cornered,
  inside,
  moved,
  nextFrame,
  rescaled,
  resized,
  shaped,
  stepOf,
  straightened,
  turned,
  within,
} from "../../static/js/create/crop_geometry.js";

const SIZE = [400, 300];
const BOX = [100, 50, 120, 80];

test("a number is held between its bounds", () => {
  assert.deepEqual([within(5, 1, 9), within(-5, 1, 9), within(50, 1, 9)], [5, 1, 9]);
});

test("a picture that is not turned keeps its size, one that is turned loses its corners", () => {
  assert.deepEqual(straightened([1200, 800], 0), [1200, 800]);
  const [width, height] = straightened([1200, 800], 10);
  assert.ok(width < 1200 && height < 800);
  assert.ok(Math.abs(width / height - 1.5) < 0.005, "of the same shape");
  assert.deepEqual(straightened([1200, 800], -10), [width, height]);
  assert.deepEqual(straightened([1000, 1000], 45), [707, 707]);
  assert.deepEqual(straightened([1, 1], 45), [1, 1]);
  assert.deepEqual(straightened([400, 200], 90), [200, 100], "the narrower way decides");
  assert.deepEqual(straightened([200, 400], 90), [100, 200]);
});

test("typed numbers become a box inside the picture", () => {
  assert.deepEqual(inside(SIZE, [10.4, 20.6, 30, 40]), [10, 21, 30, 40]);
  assert.deepEqual(inside(SIZE, [-5, 290, 30, 40]), [0, 260, 30, 40]);
  assert.deepEqual(inside(SIZE, [0, 0, 9999, 0]), [0, 0, 400, 1]);
  assert.deepEqual(inside(SIZE, [390, 0, 0, 9999]), [390, 0, 1, 300]);
  assert.deepEqual(inside(SIZE, [390, 0, 30, 40]), [370, 0, 30, 40]);
  assert.deepEqual(inside(SIZE, [Number.NaN, 0, 5, 5]), [0, 0, 5, 5]);
});

test("the frame moves as far as the picture goes", () => {
  assert.deepEqual(moved(SIZE, BOX, 10.4, -10), [110, 40, 120, 80]);
  assert.deepEqual(moved(SIZE, BOX, 999, 999), [280, 220, 120, 80]);
  assert.deepEqual(moved(SIZE, BOX, -999, -999), [0, 0, 120, 80]);
});

test("each corner has its place", () => {
  assert.deepEqual(corner(BOX, "lt"), [100, 50]);
  assert.deepEqual(corner(BOX, "rt"), [220, 50]);
  assert.deepEqual(corner(BOX, "lb"), [100, 130]);
  assert.deepEqual(corner(BOX, "rb"), [220, 130]);
});

test("a corner is dragged and the opposite one stays", () => {
  assert.deepEqual(cornered(SIZE, BOX, "rb", [250, 150], null), [100, 50, 150, 100]);
  assert.deepEqual(cornered(SIZE, BOX, "lt", [90, 60], null), [90, 60, 130, 70]);
  assert.deepEqual(cornered(SIZE, BOX, "rt", [250, 30], null), [100, 30, 150, 100]);
  assert.deepEqual(cornered(SIZE, BOX, "lb", [80, 150], null), [80, 50, 140, 100]);
});

test("a corner stops at the edge of the picture and at the opposite one", () => {
  assert.deepEqual(cornered(SIZE, BOX, "rb", [999, 999], null), [100, 50, 300, 250]);
  assert.deepEqual(cornered(SIZE, BOX, "lt", [-9, -9], null), [0, 0, 220, 130]);
  assert.deepEqual(cornered(SIZE, BOX, "rb", [0, 0], null), [100, 50, 1, 1]);
});

test("held to a shape, the larger side decides, as far as there is room", () => {
  assert.deepEqual(cornered(SIZE, BOX, "rb", [260, 60], [1, 1]), [100, 50, 160, 160]);
  assert.deepEqual(cornered(SIZE, BOX, "rb", [110, 210], [1, 1]), [100, 50, 160, 160]);
  assert.deepEqual(cornered(SIZE, BOX, "rb", [999, 60], [1, 1]), [100, 50, 250, 250]);
  assert.deepEqual(cornered(SIZE, BOX, "lt", [0, 129], [2, 1]), [0, 20, 220, 110]);
  assert.deepEqual(cornered(SIZE, BOX, "lt", [219, 0], [1, 2]), [155, 0, 65, 130]);
  assert.deepEqual(cornered(SIZE, BOX, "rb", [110, 90], [3, 2]), [100, 50, 60, 40]);
  assert.deepEqual(cornered(SIZE, BOX, "rb", [150, 60], [3, 1]), [100, 50, 50, 17]);
  assert.deepEqual(cornered(SIZE, BOX, "rb", [110, 100], [1, 3]), [100, 50, 17, 50]);
});

test("an arrow key goes a hundredth of the side, at least a pixel", () => {
  assert.deepEqual(stepOf(SIZE, [1, 0]), [4, 0]);
  assert.deepEqual(stepOf(SIZE, [0, -1]), [0, -3]);
  assert.deepEqual(stepOf([20, 20], [-1, 0]), [-1, 0]);
  assert.deepEqual(stepOf([160, 260], [1, 1]), [2, 3]);
});

test("an arrow key moves a corner; held to a shape both sides follow, also to smaller ones", () => {
  assert.deepEqual(resized(SIZE, BOX, "rb", [4, 0], null), [100, 50, 124, 80]);
  assert.deepEqual(resized(SIZE, BOX, "lt", [0, 3], null), [100, 53, 120, 77]);
  const square = [100, 50, 80, 80];
  assert.deepEqual(resized(SIZE, square, "rb", [-4, 0], [1, 1]), [100, 50, 76, 76]);
  assert.deepEqual(resized(SIZE, square, "rb", [0, 3], [1, 1]), [100, 50, 83, 83]);
  assert.deepEqual(resized(SIZE, square, "lt", [4, 0], [1, 1]), [104, 54, 76, 76]);
  assert.deepEqual(resized(SIZE, square, "rt", [-4, 0], [1, 1]), [100, 54, 76, 76]);
  assert.deepEqual(resized(SIZE, square, "lb", [0, -3], [1, 1]), [103, 50, 77, 77]);
  const wide = [100, 50, 90, 30];
  assert.deepEqual(resized(SIZE, wide, "rb", [-6, 0], [3, 1]), [100, 50, 84, 28]);
  assert.deepEqual(resized(SIZE, wide, "rb", [0, -2], [3, 1]), [100, 50, 84, 28]);
  assert.deepEqual(resized(SIZE, wide, "rt", [0, 2], [3, 1]), [100, 52, 84, 28]);
});

test("a typed side brings the other one along when a shape holds them", () => {
  assert.deepEqual(shaped(SIZE, BOX, "width", [2, 1]), [100, 50, 120, 60]);
  assert.deepEqual(shaped(SIZE, BOX, "height", [2, 1]), [100, 50, 160, 80]);
  assert.deepEqual(shaped(SIZE, [100, 250, 120, 40], "width", [1, 1]), [100, 250, 120, 50]);
  assert.deepEqual(shaped(SIZE, [350, 50, 40, 80], "height", [1, 1]), [350, 50, 50, 80]);
  assert.deepEqual(shaped(SIZE, [0, 0, 100, 9], "width", [3, 2]), [0, 0, 100, 67]);
  assert.deepEqual(shaped(SIZE, [0, 0, 9, 100], "height", [2, 3]), [0, 0, 67, 100]);
  assert.deepEqual(shaped(SIZE, [0, 0, 1, 9], "width", [3, 1]), [0, 0, 1, 1]);
  assert.deepEqual(shaped(SIZE, [0, 0, 9, 1], "height", [1, 3]), [0, 0, 1, 1]);
  assert.deepEqual(shaped(SIZE, BOX, "width", null), BOX);
  assert.deepEqual(shaped(SIZE, BOX, "left", [2, 1]), BOX);
});

test("a frame of the picture as it came keeps its middle in the turned one", () => {
  assert.deepEqual(turned([400, 300], 0, [100, 50, 200, 200]), [100, 50, 200, 200]);
  assert.deepEqual(turned([1000, 1000], 90, [400, 0, 200, 200]), [800, 400, 200, 200]);
  assert.deepEqual(turned([1000, 1000], 45, [0, 0, 1000, 1000]), [0, 0, 707, 707]);
  assert.deepEqual(turned([1000, 600], 90, [300, 100, 100, 60]), [420, 0, 100, 60]);
  assert.deepEqual(turned([1000, 1000], 90, [100, 400, 200, 200]), [400, 100, 200, 200]);
  assert.deepEqual(turned([1000, 1000], 60, [430, 500, 100, 100]), [263, 324, 100, 100]);
  assert.deepEqual(turned([1000, 500], 30, [0, 0, 1000, 3]).slice(2), [535, 1]);
  const [x, y, w, h] = turned([1000, 1000], 10, [450, 450, 100, 100]);
  assert.deepEqual([w, h], [100, 100]);
  assert.ok(Math.abs(x + 50 - straightened([1000, 1000], 10)[0] / 2) <= 1 && x === y);
});

test("another angle, another size: the box stays where it is in the picture", () => {
  assert.deepEqual(rescaled([400, 300], [200, 150], BOX), [50, 25, 60, 40]);
  assert.deepEqual(rescaled([200, 150], [400, 300], [150, 100, 50, 50]), [300, 200, 100, 100]);
  assert.deepEqual(rescaled([400, 300], [200, 150], [0, 0, 1, 1]), [0, 0, 1, 1]);
  assert.deepEqual(rescaled([400, 300], [300, 100], [1, 1, 1, 2]), [1, 0, 1, 1]);
  assert.deepEqual(rescaled([400, 300], [300, 100], [0, 0, 400, 300]), [0, 0, 300, 100]);
});

test("closer and wider go along the frames from the nearest one, and stop at the last", () => {
  const frames = [
    [0, 0, 300, 300],
    [10, 10, 200, 200],
    [20, 20, 100, 100],
  ];
  assert.deepEqual(nextFrame(frames, [0, 0, 250, 9], 1), frames[1], "the first of two as near");
  assert.deepEqual(nextFrame([frames[2], frames[1]], [0, 0, 90, 999], 1), frames[1]);
  assert.deepEqual(nextFrame(frames, [0, 0, 210, 210], 1), frames[2]);
  assert.deepEqual(nextFrame(frames, [0, 0, 210, 210], -1), frames[0]);
  assert.deepEqual(nextFrame(frames, [0, 0, 90, 90], 1), frames[2]);
  assert.deepEqual(nextFrame(frames, [0, 0, 999, 999], -1), frames[0]);
});
