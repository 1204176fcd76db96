// What parts gain with a script: names of chosen files, copying. Without it all of them still work.
// Listeners sit on the document, so parts that arrive later need nothing.

// ── drop zone ──
document.addEventListener("change", (event) => {
  const words = event.target.closest("[data-drop]")?.querySelector("[data-drop-words]");
  if (!words || event.target.type !== "file") return;
  words.dataset.empty ??= words.textContent;
  const { files } = event.target;
  words.textContent =
    files.length > 1
      ? words.dataset.many.replace("{n}", files.length)
      : (files[0]?.name ?? words.dataset.empty);
});
for (const [kind, over] of [
  ["dragover", true],
  ["dragleave", false],
  ["drop", false],
]) {
  document.addEventListener(kind, (event) =>
    event.target.closest?.("[data-drop]")?.classList.toggle("over", over),
  );
}

// ── copy: <button data-copy="text"> or a button beside a read-only input in .copy ──
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const input = button.closest(".copy")?.querySelector("input");
  try {
    await navigator.clipboard.writeText(button.dataset.copy || input?.value || "");
    const use = button.querySelector("use");
    use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, "#check"));
  } catch {
    input?.select(); // no clipboard outside https: the reader copies the selection
  }
});

// ── what is refused: an answer that is a page of its own is told where the person is ──
document.addEventListener("htmx:responseError", ({ detail }) => {
  if (![403, 404].includes(detail.xhr.status)) return;
  const page = new DOMParser().parseFromString(detail.xhr.responseText, "text/html");
  const words = [...page.querySelectorAll("main .form :is(h1, p:not(.small))")];
  if (!words.length) return;
  document.querySelector("[data-refused]")?.remove();
  const told = document.createElement("p");
  told.className = "notice bad";
  told.dataset.refused = "";
  told.setAttribute("role", "alert");
  told.textContent = words.map(({ textContent }) => textContent.trim()).join(" ");
  document.querySelector("#main")?.prepend(told);
  told.scrollIntoView({ block: "nearest" });
});
