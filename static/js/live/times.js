// Times that pass: every [data-since] counts on, every [data-gauge] moves its pin.
import { passed } from "../format.js";
import { gauge } from "./gauge.js";

const secondsSince = (node) => (Date.now() - Date.parse(node.dataset.since)) / 1000;

/** Bring every time on the page up to date. */
export const tick = () => {
  for (const node of document.querySelectorAll("[data-since]:not([data-gauge])")) {
    node.textContent = passed(secondsSince(node));
  }
  for (const node of document.querySelectorAll("[data-gauge]")) {
    const { low, high } = node.dataset;
    const parts = gauge(Math.max(0, secondsSince(node)), Number(low), Number(high));
    for (const [part, values] of Object.entries(parts)) {
      const shape = node.querySelector(`.${part}`);
      if (!shape) continue;
      for (const [name, value] of Object.entries(values)) shape.setAttribute(name, value);
    }
  }
};
setInterval(tick, 1000);
