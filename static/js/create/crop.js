// The crop of a picture: a frame to drag, its corners, a shape to hold it to, an angle. The number fields are the truth; the drawing
// follows them, and all of it is in px of the straightened picture, as the server reads it. Without this script the fields do it alone.

const STEP = 0.01; // of a side, for one press of an arrow key
const FINGER = 12; // px on the screen: radius of a corner
const FIELDS = ["left", "top", "width", "height"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value, least, most) => Math.max(least, Math.min(most, value));
const field = (crop, name) => crop.querySelector(`#crop-${name}`);
const angleOf = (crop) => Number(field(crop, "angle").value) || 0;
const original = (crop) => [Number(crop.dataset.width), Number(crop.dataset.height)];

// The largest upright rectangle of the picture's own shape inside the turned picture.
const straight = ([width, height], angle) => {
  const turn = (Math.abs(angle) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const keep = Math.min(width / (width * cos + height * sin), height / (width * sin + height * cos));
  return [width, height].map((side) => Math.max(1, Math.floor(side * keep + 1e-9)));
};
const sizeOf = (crop) => straight(original(crop), angleOf(crop));

// [width, height] of the shape that the frame is held to; nothing while it is free
const shapeOf = (crop) => {
  const { value } = field(crop, "shape");
  return value === "free" ? null : value.split(":").map(Number);
};

const boxOf = (crop) => {
  const [width, height] = sizeOf(crop);
  const [left, top, wide, tall] = FIELDS.map((name) => Math.round(Number(field(crop, name).value)) || 0);
  const w = within(wide, 1, width);
  const h = within(tall, 1, height);
  return [within(left, 0, width - w), within(top, 0, height - h), w, h];
};

// ── drawing ──
const set = (node, values) => {
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
};
const draw = (crop, [x, y, w, h]) => {
  const [width, height] = sizeOf(crop);
  const [whole, tall] = original(crop);
  const angle = angleOf(crop);
  const svg = crop.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const turned = `translate(${(width - whole) / 2} ${(height - tall) / 2}) rotate(${angle} ${whole / 2} ${tall / 2})`;
  svg.querySelector("image").setAttribute("transform", angle ? turned : "");
  svg.querySelector(".shade").setAttribute("d", `M0 0H${width}V${height}H0ZM${x} ${y}V${y + h}H${x + w}V${y}Z`);
  set(svg.querySelector(".frame"), { x, y, width: w, height: h });
  const shown = svg.getBoundingClientRect().width;
  for (const corner of svg.querySelectorAll("circle")) {
    const { grip } = corner.dataset;
    set(corner, { cx: grip[0] === "l" ? x : x + w, cy: grip[1] === "t" ? y : y + h });
    if (shown) corner.setAttribute("r", (FINGER * width) / shown);
  }
  crop.querySelector("[data-size]").textContent = `${w} × ${h} px`;
  crop.querySelector("[data-angle]").textContent = `${angle}°`;
  const small = crop.querySelector("[data-small]");
  if (small) small.hidden = Math.min(w, h) >= Number(crop.dataset.least);
  crop.querySelector("[data-do]").disabled = Boolean(small) && !small.hidden;
};

// Into the fields, but not into the one that somebody types in.
const put = (crop, box, typed = null) => {
  const [width, height] = sizeOf(crop);
  for (const [i, name] of FIELDS.entries()) {
    const input = field(crop, name);
    input.max = [width, height][i % 2];
    if (input !== typed) input.value = box[i];
  }
  draw(crop, box);
};

// ── moving and resizing ──
const moved = (crop, [x, y, w, h], dx, dy) => {
  const [width, height] = sizeOf(crop);
  return [Math.round(within(x + dx, 0, width - w)), Math.round(within(y + dy, 0, height - h)), w, h];
};

// The corner `grip` at (px, py); the opposite one stays where it is.
const cornered = (crop, [x, y, w, h], grip, px, py) => {
  const [width, height] = sizeOf(crop);
  const [right, down] = [grip[0] === "r", grip[1] === "b"];
  const [ax, ay] = [right ? x : x + w, down ? y : y + h];
  const [mostW, mostH] = [right ? width - ax : ax, down ? height - ay : ay];
  let wide = within((right ? 1 : -1) * (px - ax), 1, mostW);
  let tall = within((down ? 1 : -1) * (py - ay), 1, mostH);
  const shape = shapeOf(crop);
  if (shape) {
    const ratio = shape[0] / shape[1];
    wide = Math.min(Math.max(wide, tall * ratio), mostW, mostH * ratio);
    tall = wide / ratio;
  }
  wide = within(Math.round(wide), 1, mostW);
  tall = within(Math.round(tall), 1, mostH);
  return [right ? ax : ax - wide, down ? ay : ay - tall, wide, tall];
};

// ── the pointer ──
let drag = null;
const at = (svg, event) => {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return [point.x, point.y];
};
document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.("[data-crop] [data-grip]");
  if (!grip || event.button) return;
  const crop = grip.closest("[data-crop]");
  drag = { crop, grip: grip.dataset.grip, from: at(grip.ownerSVGElement, event), box: boxOf(crop), id: event.pointerId };
  grip.setPointerCapture(event.pointerId);
  grip.focus({ preventScroll: true });
  event.preventDefault();
});
document.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const { crop, grip, from, box } = drag;
  const [px, py] = at(crop.querySelector("svg"), event);
  const [dx, dy] = [px - from[0], py - from[1]];
  if (grip === "move") return put(crop, moved(crop, box, dx, dy));
  const corner = [grip[0] === "l" ? box[0] : box[0] + box[2], grip[1] === "t" ? box[1] : box[1] + box[3]];
  put(crop, cornered(crop, box, grip, corner[0] + dx, corner[1] + dy));
});
for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, () => (drag = null));

// ── keys ──
document.addEventListener("keydown", (event) => {
  const crop = event.target.closest?.("[data-crop]");
  if (!crop) return;
  const { grip } = event.target.dataset ?? {};
  const arrow = ARROWS[event.key];
  if (!grip || !arrow) return;
  event.preventDefault();
  const [width, height] = sizeOf(crop);
  const box = boxOf(crop);
  const [dx, dy] = [arrow[0] * Math.max(1, Math.round(width * STEP)), arrow[1] * Math.max(1, Math.round(height * STEP))];
  if (grip === "move" && !event.shiftKey) return put(crop, moved(crop, box, dx, dy));
  const name = grip === "move" ? "rb" : grip;
  const [x, y, w, h] = box;
  const ax = name[0] === "l" ? x : x + w;
  const ay = name[1] === "t" ? y : y + h;
  const shape = shapeOf(crop);
  // Held to a shape, one side follows the other, also when it becomes smaller.
  const wide = shape && dy ? (name[0] === "l" ? -1 : 1) * (name[1] === "t" ? -1 : 1) * dy * (shape[0] / shape[1]) : dx;
  const tall = shape && dx ? (name[0] === "l" ? -1 : 1) * (name[1] === "t" ? -1 : 1) * dx * (shape[1] / shape[0]) : dy;
  put(crop, cornered(crop, box, name, ax + wide, ay + tall));
});

// ── shape, face, angle, numbers ──
const frames = (crop) =>
  field(crop, "shape").selectedOptions[0].dataset.frames.split(";").map((frame) => frame.split(" ").map(Number));

// A frame of the picture as it came, in the picture as it is turned: the same middle, as far as it goes.
const turned = (crop, [x, y, w, h]) => {
  const [whole, tall] = original(crop);
  const [width, height] = sizeOf(crop);
  const turn = (angleOf(crop) * Math.PI) / 180;
  const [dx, dy] = [x + w / 2 - whole / 2, y + h / 2 - tall / 2];
  const fits = Math.min(1, width / w, height / h);
  const [fw, fh] = [Math.max(1, Math.floor(w * fits)), Math.max(1, Math.floor(h * fits))];
  const cx = width / 2 + dx * Math.cos(turn) - dy * Math.sin(turn);
  const cy = height / 2 + dx * Math.sin(turn) + dy * Math.cos(turn);
  return moved(crop, [0, 0, fw, fh], cx - fw / 2, cy - fh / 2);
};
const closer = (crop, by) => {
  const found = frames(crop);
  const now = boxOf(crop);
  // Which of them is nearest in size to what is drawn, and from there one on.
  const nearest = found.reduce((best, frame, i) => (Math.abs(frame[2] - now[2]) < Math.abs(found[best][2] - now[2]) ? i : best), 0);
  put(crop, turned(crop, found[within(nearest + by, 0, found.length - 1)]));
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-crop] [data-face]");
  if (button) closer(button.closest("[data-crop]"), Number(button.dataset.face));
});
document.addEventListener("input", (event) => {
  const { target } = event;
  const crop = target.closest?.("[data-crop]");
  if (!crop) return;
  if (target.id === "crop-shape") {
    if (shapeOf(crop)) put(crop, turned(crop, frames(crop)[0]));
    return;
  }
  if (target.id === "crop-angle") {
    const before = Number(crop.dataset.angle ?? 0);
    crop.dataset.angle = angleOf(crop);
    const [w0, h0] = straight(original(crop), before);
    const [w1, h1] = sizeOf(crop);
    const [x, y, w, h] = FIELDS.map((name) => Number(field(crop, name).value) || 0);
    const fit = [(x * w1) / w0, (y * h1) / h0, (w * w1) / w0, (h * h1) / h0].map(Math.round);
    return put(crop, moved(crop, [0, 0, within(fit[2], 1, w1), within(fit[3], 1, h1)], fit[0], fit[1]));
  }
  const box = boxOf(crop);
  const shape = shapeOf(crop);
  const [width, height] = sizeOf(crop);
  if (shape && target.id === "crop-width") box[3] = within(Math.round((box[2] * shape[1]) / shape[0]), 1, height - box[1]);
  if (shape && target.id === "crop-height") box[2] = within(Math.round((box[3] * shape[0]) / shape[1]), 1, width - box[0]);
  put(crop, box, target);
});

// What is only drawn here is no new draft: no price is asked for, and what was typed stays.
document.addEventListener(
  "change",
  (event) => {
    const still = event.target.closest("[data-still]");
    if (!still) return;
    event.stopPropagation();
    if (still.matches("[data-crop]")) put(still, boxOf(still));
  },
  true,
);
// Enter in one of these fields presses the button beside them, not the first one of the page.
document.addEventListener("keydown", (event) => {
  const still = event.key === "Enter" && event.target.matches?.("[data-still] input") && event.target.closest("[data-still]");
  if (!still) return;
  event.preventDefault();
  const button = still.querySelector("button[name=fix]");
  if (!button.disabled) button.click();
});
// How large a corner is on the screen is known only once the picture is shown.
document.addEventListener("toggle", (event) => event.target.matches?.("[data-crop][open]") && put(event.target, boxOf(event.target)), true);
