// What parts gain with a script: names of chosen files, copying, the film's own controls. Without it all of them still work.
// Listeners sit on the document, so parts that arrive later need nothing.

// ── drop zone ──
document.addEventListener("change", (event) => {
  const words = event.target.closest("[data-drop]")?.querySelector("[data-drop-words]");
  if (!words || event.target.type !== "file") return;
  words.dataset.empty ??= words.textContent;
  const { files } = event.target;
  words.textContent = files.length > 1 ? words.dataset.many.replace("{n}", files.length) : (files[0]?.name ?? words.dataset.empty);
});
for (const [kind, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(kind, (event) => event.target.closest?.("[data-drop]")?.classList.toggle("over", over));
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

// ── player ──
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const sprite = (button, name) => {
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
};
const parts = (node) => {
  const player = node.closest?.("[data-player]");
  return player && { player, film: player.querySelector("video"), seek: player.querySelector("[data-seek]"), time: player.querySelector("[data-time]") };
};
const draw = ({ player, film, seek, time }) => {
  const whole = Number.isFinite(film.duration) ? film.duration : Number(seek.max);
  seek.max = whole;
  if (!seek.matches(":active")) seek.value = film.currentTime;
  seek.setAttribute("aria-valuetext", clock(film.currentTime));
  time.textContent = `${clock(film.currentTime)} / ${clock(whole)}`;
  const play = player.querySelector("[data-play]");
  const word = play.querySelector("[data-word]");
  const playing = !film.paused && !film.ended;
  if (playing !== (play.dataset.playing === "yes")) {
    [word.textContent, word.dataset.other] = [word.dataset.other, word.textContent];
    play.dataset.playing = playing ? "yes" : "no";
    sprite(play, playing ? "pause" : "play");
  }
};
const own = () => {
  for (const player of document.querySelectorAll("[data-player]:not([data-own])")) {
    player.dataset.own = "";
    player.querySelector("video").controls = false;
    player.querySelector(".bar").hidden = false;
  }
};
for (const kind of ["loadedmetadata", "timeupdate", "play", "pause", "ended", "seeked"]) {
  document.addEventListener(kind, (event) => { const found = parts(event.target); if (found) draw(found); }, true); // media events do not bubble
}
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-seek]")) parts(event.target).film.currentTime = event.target.value;
});
document.addEventListener("click", (event) => {
  const found = parts(event.target);
  if (!found) return;
  const { film, player } = found;
  const button = event.target.closest("button");
  if (button?.matches("[data-play]") || event.target === film) film.paused ? film.play() : film.pause();
  else if (button?.matches("[data-loop]")) button.setAttribute("aria-pressed", String((film.loop = !film.loop)));
  else if (button?.matches("[data-sound]")) button.setAttribute("aria-pressed", String(!(film.muted = !film.muted)));
  else if (button?.matches("[data-full]")) document.fullscreenElement ? document.exitFullscreen() : player.querySelector("video").requestFullscreen();
});
document.addEventListener("htmx:load", own);
own();
