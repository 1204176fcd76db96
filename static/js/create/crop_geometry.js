// The arithmetic of a crop, in px of the straightened picture. A size is [width, height], a box
// [left, top, width, height], a shape [wide, tall] that the box is held to, or null while it is
// free. Nothing here touches the page.

const STEP = 0.01; // of a side, for one press of an arrow key

export const within = (value, least, most) => Math.max(least, Math.min(most, value));

/**
 * The largest upright rectangle of the picture's own shape inside the picture turned by `angle`
 * degrees.
 */
export const straightened = ([width, height], angle) => {
  const turn = (Math.abs(angle) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const keep = Math.min(
    width / (width * cos + height * sin),
    height / (width * sin + height * cos),
  );
  return [width, height].map((side) => Math.max(1, Math.floor(side * keep + 1e-9)));
};

/** `box` of whole px that lies in `size`. */
export const inside = ([width, height], box) => {
  const [left, top, wide, tall] = box.map((number) => Math.round(number) || 0);
  const w = within(wide, 1, width);
  const h = within(tall, 1, height);
  return [within(left, 0, width - w), within(top, 0, height - h), w, h];
};

/** `box` moved by (dx, dy), as far as `size` goes. */
export const moved = ([width, height], [x, y, w, h], dx, dy) => [
  Math.round(within(x + dx, 0, width - w)),
  Math.round(within(y + dy, 0, height - h)),
  w,
  h,
];

const isRight = (grip) => grip[0] === "r";
const isBottom = (grip) => grip[1] === "b";

/** The corner `grip` ("lt", "rt", "lb", "rb") of `box`, [x, y]. */
export const corner = ([x, y, w, h], grip) => [
  isRight(grip) ? x + w : x,
  isBottom(grip) ? y + h : y,
];

/** `box` with the corner `grip` at (px, py); the opposite one stays where it is. */
export const cornered = ([width, height], [x, y, w, h], grip, [px, py], shape) => {
  const [right, down] = [isRight(grip), isBottom(grip)];
  const [ax, ay] = [right ? x : x + w, down ? y : y + h];
  const [mostW, mostH] = [right ? width - ax : ax, down ? height - ay : ay];
  let wide = within((right ? 1 : -1) * (px - ax), 1, mostW);
  let tall = within((down ? 1 : -1) * (py - ay), 1, mostH);
  if (shape) {
    const ratio = shape[0] / shape[1];
    wide = Math.min(Math.max(wide, tall * ratio), mostW, mostH * ratio);
    tall = wide / ratio;
  }
  wide = within(Math.round(wide), 1, mostW);
  tall = within(Math.round(tall), 1, mostH);
  return [right ? ax : ax - wide, down ? ay : ay - tall, wide, tall];
};

/** How far one press of an arrow key goes: `arrow` is [-1 … 1, -1 … 1]. */
export const stepOf = (size, arrow) =>
  size.map((side, i) => arrow[i] * Math.max(1, Math.round(side * STEP)));

/**
 * `box` with the corner `grip` moved by [dx, dy], one of which is 0. Held to a shape, one side
 * follows the other, also when it becomes smaller.
 */
export const resized = (size, box, grip, [dx, dy], shape) => {
  const sign = isRight(grip) === isBottom(grip) ? 1 : -1;
  const wide = shape && dy ? sign * dy * (shape[0] / shape[1]) : dx;
  const tall = shape && dx ? sign * dx * (shape[1] / shape[0]) : dy;
  const [x, y] = corner(box, grip);
  return cornered(size, box, grip, [x + wide, y + tall], shape);
};

/** `box` as typed, its other side as the shape wants it when `typed` ("width" or "height") was. */
export const shaped = ([width, height], [x, y, w, h], typed, shape) => {
  if (shape && typed === "width") {
    return [x, y, w, within(Math.round((w * shape[1]) / shape[0]), 1, height - y)];
  }
  if (shape && typed === "height") {
    return [x, y, within(Math.round((h * shape[0]) / shape[1]), 1, width - x), h];
  }
  return [x, y, w, h];
};

/**
 * `frame` of the picture as it came, in the picture turned by `angle`: the same middle, as far as
 * it goes.
 */
export const turned = (original, angle, [x, y, w, h]) => {
  const [width, height] = straightened(original, angle);
  const turn = (angle * Math.PI) / 180;
  const [dx, dy] = [x + w / 2 - original[0] / 2, y + h / 2 - original[1] / 2];
  const fits = Math.min(1, width / w, height / h);
  const [fw, fh] = [Math.max(1, Math.floor(w * fits)), Math.max(1, Math.floor(h * fits))];
  const cx = width / 2 + dx * Math.cos(turn) - dy * Math.sin(turn);
  const cy = height / 2 + dx * Math.sin(turn) + dy * Math.cos(turn);
  return moved([width, height], [0, 0, fw, fh], cx - fw / 2, cy - fh / 2);
};

/** `box` of a picture of the size `before`, at the same place of one of the size `after`. */
export const rescaled = (before, after, box) => {
  const [x, y, w, h] = box.map((number, i) => Math.round((number * after[i % 2]) / before[i % 2]));
  return moved(after, [0, 0, within(w, 1, after[0]), within(h, 1, after[1])], x, y);
};

/** The frame `by` steps on from the one of `frames` that is nearest in width to `box`. */
export const nextFrame = (frames, box, by) => {
  const gap = (frame) => Math.abs(frame[2] - box[2]);
  const nearest = frames.reduce((best, frame, i) => (gap(frame) < gap(frames[best]) ? i : best), 0);
  return frames[within(nearest + by, 0, frames.length - 1)];
};
