// The speech panel as it stands on the page: its limits, what is kept now, and the drawing that
// follows.
//
// The hidden field [data-keep] is what is sent; it follows every movement, so a click that costs
// always sends what is shown. A new form brings a new panel.
import { length, tenths } from "../../format.js";
import { remember } from "../address.js";
import { bands, lengthOf, parse, startOf, stopOf, write } from "./selection.js";

const SVG = "http://www.w3.org/2000/svg";
const panels = new WeakMap(); // [data-trim] → its panel

/** The panel of the page, or null where no speech is chosen. */
export const panel = () => {
  const node = document.querySelector("[data-trim]");
  if (!node) return null;
  if (!panels.has(node)) panels.set(node, create(node, document.querySelector("[data-keep]")));
  return panels.get(node);
};

const create = (node, field) => ({
  node,
  field,
  base: parse(field.value), // the parts that the drawing came with
  quiet: parse(node.dataset.quiet),
  limits: {
    whole: Number(node.dataset.whole),
    least: Number(node.dataset.least),
    most: Number(node.dataset.most),
  },
});

export const partsOf = ({ field }) => parse(field.value);

/** Keep `parts` from now on: in the field, in the address and in the drawing. */
export const keep = (here, parts) => {
  here.field.value = write(parts);
  remember(here.field.name, here.field.value);
  draw(here, parts);
};

const rectangle = ({ kind, x, width }) => {
  const rect = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ class: kind, x, width, height: 100 })) {
    rect.setAttribute(name, value);
  }
  return rect;
};

// Not into the field that somebody types in.
const put = (input, value) => {
  if (input && input !== document.activeElement) input.value = value;
};

const draw = ({ node, limits: { whole } }, parts) => {
  const [start, stop] = [startOf(parts), stopOf(parts)];
  node.querySelector("[data-bands]").replaceChildren(...bands(parts, whole).map(rectangle));
  const [first, last] = node.querySelectorAll("input");
  first.value = start / 1000;
  last.value = stop >= whole ? last.max : stop / 1000;
  put(document.querySelector("[data-trim-from]"), tenths(start));
  put(document.querySelector("[data-trim-to]"), tenths(stop));
  for (const shown of document.querySelectorAll("[data-length]")) {
    shown.textContent = length(lengthOf(parts));
  }
};
