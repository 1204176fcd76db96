// What the person points at, or works in, stays where it is while the list around it changes.

const REST = 20_000; // ms after which a pointer that does not move points at nothing in a list
const pointer = { x: 0, y: 0, at: Number.NEGATIVE_INFINITY };

document.addEventListener(
  "pointermove",
  ({ pointerType, clientX, clientY, timeStamp }) => {
    if (pointerType !== "touch") Object.assign(pointer, { x: clientX, y: clientY, at: timeStamp });
  },
  { passive: true },
);

const under = () => {
  const found = document.elementFromPoint(pointer.x, pointer.y);
  const press = found?.closest("a, button, input, summary, select, label");
  return press || performance.now() - pointer.at < REST ? found : null;
};

/** The row of `list` in use: under the pointer, or with the focus; null when there is none. */
export const inUse = (list) => {
  if (pointer.at > Number.NEGATIVE_INFINITY) {
    const row = under()?.closest("[data-job]");
    if (row && list.contains(row)) return row;
  }
  const row = document.activeElement?.closest("[data-job]");
  return row && list.contains(row) ? row : null;
};

const firstSeen = (list) =>
  [...list.querySelectorAll("[data-job]")].find(
    (row) => row.offsetParent && row.getBoundingClientRect().top >= 0,
  );

const top = (row) => row.getBoundingClientRect().top;
const room = (list, where) => list.parentElement.querySelector(`:scope > [data-room="${where}"]`);
const add = (list, where, pixels) => {
  const place = room(list, where);
  if (place) place.style.blockSize = `${Math.max(0, place.offsetHeight + pixels)}px`;
};

/** Take away the room that kept a row in its place. */
export const letGo = (list) => {
  for (const place of list.parentElement.querySelectorAll(":scope > [data-room]")) {
    place.style.blockSize = "";
  }
};

/**
 * Do `change` to `list` while `row` stays at its height in the window. Where the page is too short
 * to scroll there, room is made above or below the list.
 */
export const keeping = (list, row, change) => {
  const kept = row ?? (scrollY > list.offsetTop ? firstSeen(list) : null);
  const before = kept ? top(kept) : 0;
  change();
  if (!kept?.isConnected) return;
  const moved = top(kept) - before;
  if (!moved) return;
  scrollBy({ top: moved, behavior: "instant" });
  // More than once: an empty room lets the margins around it collapse, a filled one does not.
  for (let time = 0; time < 3; time++) {
    const left = top(kept) - before;
    if (Math.abs(left) < 1) return;
    if (left < 0 || room(list, "above")?.offsetHeight) {
      add(list, "above", -left);
    } else {
      // what is free at the end of a short page does not make it longer
      const end = (node) => node.getBoundingClientRect().bottom;
      add(list, "below", left + Math.max(0, end(list.parentElement) - end(room(list, "below"))));
      scrollBy({ top: left, behavior: "instant" });
    }
  }
};
