// The crop of a picture: a frame to drag, its corners, a shape to hold it to, an angle. The number
// fields are the truth; the drawing follows them, and all of it is in px of the straightened
// picture, as the server reads it. Without this script the fields do it alone.
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
} from "./crop_geometry.js";

const FINGER = 12; // px on the screen: radius of a corner
const FIELDS = ["left", "top", "width", "height"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// ── what the fields say ──
const field = (crop, name) => crop.querySelector(`#crop-${name}`);
const numbers = (crop) => FIELDS.map((name) => Number(field(crop, name).value) || 0);
const angleOf = (crop) => Number(field(crop, "angle").value) || 0;
const original = (crop) => [Number(crop.dataset.width), Number(crop.dataset.height)];
const sizeOf = (crop) => straightened(original(crop), angleOf(crop));
const boxOf = (crop) => inside(sizeOf(crop), numbers(crop));
const shapeOf = (crop) => {
  const { value } = field(crop, "shape");
  return value === "free" ? null : value.split(":").map(Number);
};
const framesOf = (crop) => {
  const { frames } = field(crop, "shape").selectedOptions[0].dataset;
  return frames.split(";").map((frame) => frame.split(" ").map(Number));
};

// ── drawing ──
const set = (node, values) => {
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
};
const drawPicture = (crop, svg) => {
  const [width, height] = sizeOf(crop);
  const [whole, tall] = original(crop);
  const angle = angleOf(crop);
  const shift = `translate(${(width - whole) / 2} ${(height - tall) / 2})`;
  const turn = `rotate(${angle} ${whole / 2} ${tall / 2})`;
  set(svg, { viewBox: `0 0 ${width} ${height}` });
  set(svg.querySelector("image"), { transform: angle ? `${shift} ${turn}` : "" });
};
const drawFrame = (crop, svg, box) => {
  const [width, height] = sizeOf(crop);
  const [x, y, w, h] = box;
  const hole = `M${x} ${y}V${y + h}H${x + w}V${y}Z`;
  set(svg.querySelector(".shade"), { d: `M0 0H${width}V${height}H0Z${hole}` });
  set(svg.querySelector(".frame"), { x, y, width: w, height: h });
  const shown = svg.getBoundingClientRect().width;
  for (const circle of svg.querySelectorAll("circle")) {
    const [cx, cy] = corner(box, circle.dataset.grip);
    set(circle, { cx, cy });
    if (shown) set(circle, { r: (FINGER * width) / shown });
  }
};
const draw = (crop, box) => {
  const svg = crop.querySelector("svg");
  drawPicture(crop, svg);
  drawFrame(crop, svg, box);
  const [, , w, h] = box;
  crop.querySelector("[data-size]").textContent = `${w} × ${h} px`;
  crop.querySelector("[data-angle]").textContent = `${angleOf(crop)}°`;
  const small = crop.querySelector("[data-small]");
  if (small) small.hidden = Math.min(w, h) >= Number(crop.dataset.least);
  crop.querySelector("[data-do]").disabled = Boolean(small) && !small.hidden;
};

// Into the fields, but not into the one that somebody types in.
const put = (crop, box, typed = null) => {
  const size = sizeOf(crop);
  for (const [i, name] of FIELDS.entries()) {
    const input = field(crop, name);
    input.max = size[i % 2];
    if (input !== typed) input.value = box[i];
  }
  draw(crop, box);
};

// ── the pointer ──
const dragging = { now: null };
const at = (svg, { clientX, clientY }) => {
  const point = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
  return [point.x, point.y];
};
document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.("[data-crop] [data-grip]");
  if (!grip || event.button) return;
  const crop = grip.closest("[data-crop]");
  dragging.now = {
    crop,
    grip: grip.dataset.grip,
    from: at(grip.ownerSVGElement, event),
    box: boxOf(crop),
    id: event.pointerId,
  };
  grip.setPointerCapture(event.pointerId);
  grip.focus({ preventScroll: true });
  event.preventDefault();
});
document.addEventListener("pointermove", (event) => {
  if (event.pointerId !== dragging.now?.id) return;
  const { crop, grip, from, box } = dragging.now;
  const [px, py] = at(crop.querySelector("svg"), event);
  const [dx, dy] = [px - from[0], py - from[1]];
  if (grip === "move") {
    put(crop, moved(sizeOf(crop), box, dx, dy));
    return;
  }
  const [x, y] = corner(box, grip);
  put(crop, cornered(sizeOf(crop), box, grip, [x + dx, y + dy], shapeOf(crop)));
});
for (const kind of ["pointerup", "pointercancel"]) {
  document.addEventListener(kind, () => {
    dragging.now = null;
  });
}

// ── keys ──
// An arrow moves the frame, with shift its lower right corner; on a corner it moves that one.
document.addEventListener("keydown", (event) => {
  const crop = event.target.closest?.("[data-crop]");
  const { grip } = event.target.dataset ?? {};
  const arrow = ARROWS[event.key];
  if (!crop || !grip || !arrow) return;
  event.preventDefault();
  const [size, box] = [sizeOf(crop), boxOf(crop)];
  const step = stepOf(size, arrow);
  if (grip === "move" && !event.shiftKey) put(crop, moved(size, box, ...step));
  else put(crop, resized(size, box, grip === "move" ? "rb" : grip, step, shapeOf(crop)));
});

// ── shape, face, angle, numbers ──
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-crop] [data-face]");
  if (!button) return;
  const crop = button.closest("[data-crop]");
  const frame = nextFrame(framesOf(crop), boxOf(crop), Number(button.dataset.face));
  put(crop, turned(original(crop), angleOf(crop), frame));
});
document.addEventListener("input", ({ target }) => {
  const crop = target.closest?.("[data-crop]");
  if (!crop) return;
  if (target.id === "crop-shape") {
    if (shapeOf(crop)) put(crop, turned(original(crop), angleOf(crop), framesOf(crop)[0]));
  } else if (target.id === "crop-angle") {
    const before = straightened(original(crop), Number(crop.dataset.angle ?? 0));
    crop.dataset.angle = angleOf(crop);
    put(crop, rescaled(before, sizeOf(crop), numbers(crop)));
  } else {
    const typed = target.id.replace("crop-", "");
    put(crop, shaped(sizeOf(crop), boxOf(crop), typed, shapeOf(crop)), target);
  }
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
  if (event.key !== "Enter" || !event.target.matches?.("[data-still] input")) return;
  event.preventDefault();
  const button = event.target.closest("[data-still]").querySelector("button[name=fix]");
  if (!button.disabled) button.click();
});
// How large a corner is on the screen is known only once the picture is shown.
document.addEventListener(
  "toggle",
  ({ target }) => target.matches?.("[data-crop][open]") && put(target, boxOf(target)),
  true,
);
