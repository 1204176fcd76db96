// A new form stands where the old one stood: what the person touched last keeps its place in the
// window and the focus, and an answer that they wait for is not behind the bars.
const form = () => document.querySelector("#make");
const check = () => form().querySelector("#check");
const before = { key: "", top: 0, focused: false, seen: false, state: "" };

/** How `one` is found again in the new form; "" when it cannot be. */
const keyOf = (one) => {
  if (one.id) return `#${CSS.escape(one.id)}`;
  if (!one.name) return "";
  const value = one.matches("[type=radio], [type=checkbox], button")
    ? `[value="${CSS.escape(one.value)}"]`
    : "";
  return `[name="${CSS.escape(one.name)}"]${value}`;
};

const inWindow = (one) => {
  const { top, bottom } = one.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
};

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== form()) return;
  const one = form().contains(document.activeElement) ? document.activeElement : null;
  before.focused = Boolean(one);
  before.key = one ? keyOf(one) : "";
  before.top = one?.getBoundingClientRect().top ?? 0;
  before.seen = Boolean(check()) && inWindow(check());
  before.state = check()?.dataset.check ?? "";
});

document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== form()) return;
  const one = before.key && form().querySelector(before.key);
  if (one) {
    if (before.focused) one.focus({ preventScroll: true });
    scrollBy({ top: one.getBoundingClientRect().top - before.top, behavior: "instant" });
  }
  const state = check()?.dataset.check ?? "";
  if (before.seen && state !== before.state) check()?.scrollIntoView({ block: "nearest" });
});

// What a click made is said in the notice, and the keyboard goes on there.
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt.matches(".toast")) detail.elt.focus({ preventScroll: true });
});
