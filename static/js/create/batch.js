// Many at once: what was dropped here is chosen as soon as it is in the library. Without this
// script the upload's own form does it.
const FIELDS = { image: "picture", audio: "speech" };
const came = [];

document.addEventListener("uploaded", ({ detail }) => {
  if (FIELDS[detail.kind]) came.push(detail);
});
document.body.addEventListener("library-changed", () => {
  if (!came.length) return;
  const form = document.querySelector("#batch-form");
  for (const { kind, asset } of came.splice(0)) {
    const box = form.querySelector(`[name="${FIELDS[kind]}"][value="${asset}"]:not([disabled])`);
    if (box) {
      box.checked = true;
      continue;
    }
    const chosen = document.createElement("input");
    Object.assign(chosen, { type: "hidden", name: FIELDS[kind], value: asset });
    form.append(chosen);
  }
  // They stand below now; what cannot be used stays told.
  const list = document.querySelector("[data-uploads]");
  for (const row of list.querySelectorAll("[data-end=good]:not([data-unused])")) row.remove();
  list.hidden = !list.children.length;
  form.querySelector("[hx-trigger=change]").dispatchEvent(new Event("change"));
});
