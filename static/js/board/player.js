// The film's own player: takes the browser's controls away and works the bar of parts/player.html,
// hidden without a script.
//
// A silent film may bring the sound of another file, [data-second]. The film leads; the sound is
// played, paused, sought and sped with it, and rests where it is shorter than the film. Listeners
// sit on the document, so a player that arrives later (its job ends while one looks) only has to be
// taken over.
import { position } from "../format.js";
import { frameAt, inStep, started } from "./in_step.js";

const SKIP = 1; // seconds of an arrow key
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const players = new WeakMap();

const put = (node, name, value) => {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
};
const sprite = (button, name) => {
  const use = button.querySelector("use");
  put(use, "href", use.getAttribute("href").replace(/#.*/, `#${name}`));
};
// A browser that wants a click first, or a pause before it began, says no; the next click asks
// again.
const start = (media) => media.play().catch(() => {});
const length = (media, otherwise) => (Number.isFinite(media.duration) ? media.duration : otherwise);

// ── the sound of another file, in step with the film ──
const follow = (player) => {
  const { film, sound } = player;
  if (!sound || sound.error || !sound.readyState) return;
  const { plays, rate, seek, memory } = inStep(
    {
      at: film.currentTime,
      rate: film.playbackRate,
      plays: !film.paused && !film.ended && !film.seeking && film.readyState > 2,
    },
    {
      at: sound.currentTime,
      end: length(sound, Infinity),
      ended: sound.ended,
      ready: !sound.seeking && sound.readyState > 2,
    },
    player.memory,
    performance.now(),
  );
  player.memory = memory;
  if (seek !== null) sound.currentTime = seek;
  if (sound.playbackRate !== rate) sound.playbackRate = rate;
  if (plays && sound.paused) start(sound);
  else if (!plays && !sound.paused) sound.pause();
};

// ── what the bar shows ──
const draw = (player) => {
  const { film, seek, time, play } = player;
  const whole = length(film, Number(seek.max));
  if (seek.max !== String(whole)) seek.max = whole;
  if (!seek.matches(":active")) seek.value = film.currentTime;
  const shown = `${position(film.currentTime)} / ${position(whole)}`;
  if (time.textContent !== shown) {
    time.textContent = shown;
    put(
      seek,
      "aria-valuetext",
      seek.dataset.of
        .replace("{at}", position(film.currentTime))
        .replace("{whole}", position(whole)),
    );
  }
  const playing = !film.paused && !film.ended;
  if (playing === player.playing) return;
  player.playing = playing;
  const word = play.querySelector("[data-word]");
  [word.textContent, word.dataset.other] = [word.dataset.other, word.textContent];
  sprite(play, playing ? "pause" : "play");
};
const tell = (player) => {
  const { figure, film, sound } = player;
  const button = figure.querySelector("[data-sound]");
  if (!button) return;
  const heard = !(sound ?? film).muted;
  put(button, "aria-pressed", String(heard));
  sprite(button, heard ? "sound" : "mute");
};
const run = (player) => {
  player.running = 0;
  follow(player);
  draw(player);
  const { film } = player;
  // The events of the film itself, four a second, are enough for who wants no motion.
  if (!film.paused && !film.ended && !calm.matches && film.isConnected)
    player.running = requestAnimationFrame(() => run(player));
};

// ── what can be done ──
const toggle = ({ film, sound }) => {
  if (!film.paused) return film.pause();
  start(film);
  // Within the click, or some browsers refuse
  if (sound && !sound.error && film.currentTime < length(sound, Infinity)) start(sound);
};
const go = ({ film, seek }, to) => {
  film.currentTime = Math.min(Math.max(0, to), length(film, Number(seek.max)));
};
const step = (player, by) => {
  const { film, fps, seek } = player;
  film.pause();
  go(player, frameAt(film.currentTime, by, { fps, length: length(film, Number(seek.max)) }));
};
const loop = ({ figure, film }) => {
  film.loop = !film.loop;
  put(figure.querySelector("[data-loop]"), "aria-pressed", String(film.loop));
};
const mute = (player) => {
  const heard = player.sound ?? player.film;
  heard.muted = !heard.muted;
  tell(player);
};
const full = ({ figure, film }) => {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (figure.requestFullscreen) figure.requestFullscreen().catch(() => {});
  else film.webkitEnterFullscreen?.();
};
const KEYS = {
  " ": toggle,
  k: toggle,
  l: loop,
  ArrowLeft: (player) => go(player, player.film.currentTime - SKIP),
  ArrowRight: (player) => go(player, player.film.currentTime + SKIP),
  ",": (player) => step(player, -1),
  ".": (player) => step(player, 1),
};
const AGAIN = ["ArrowLeft", "ArrowRight", ",", "."]; // may be held down

// ── taking over ──
const of = (node) => players.get(node.closest?.("[data-film]"));
const lose = (player) => {
  const { figure, sound } = player;
  const line = figure.querySelector("[data-heard]");
  line.textContent = line.dataset.lost;
  figure.querySelector("[data-sound]").hidden = true;
  sound.pause();
};
const own = () => {
  for (const figure of document.querySelectorAll("[data-film]")) {
    if (players.has(figure)) continue;
    const find = (what) => figure.querySelector(what);
    const player = {
      figure,
      film: find("video"),
      sound: find("[data-second]"),
      seek: find("[data-position]"),
      time: find("[data-time]"),
      play: find("[data-play]"),
      fps: Number(figure.dataset.fps) || 25,
      playing: false,
      running: 0,
      memory: started(),
    };
    players.set(figure, player);
    player.film.controls = false;
    figure.tabIndex = -1; // a click on the film gives it the keys
    find(".bar").hidden = false;
    if (player.sound) find("[data-heard]").hidden = false;
    if (player.sound?.error) lose(player);
    find("[data-full]").hidden = !figure.requestFullscreen && !player.film.webkitEnterFullscreen;
    run(player);
    tell(player);
  }
};

// media events do not bubble
for (const kind of [
  "loadedmetadata",
  "timeupdate",
  "play",
  "playing",
  "pause",
  "waiting",
  "ended",
  "seeking",
  "seeked",
  "ratechange",
  "volumechange",
  "canplay",
]) {
  document.addEventListener(
    kind,
    (event) => {
      const player = of(event.target);
      if (!player) return;
      if (kind === "volumechange") tell(player);
      else if (!player.running) run(player);
      else follow(player);
    },
    true,
  );
}
document.addEventListener(
  "error",
  (event) => {
    const player = of(event.target);
    if (player && event.target === player.sound) lose(player);
  },
  true,
);
document.addEventListener("input", (event) => {
  const player = of(event.target);
  if (player && event.target === player.seek) go(player, Number(event.target.value));
});
document.addEventListener("change", (event) => {
  const player = of(event.target);
  if (player && event.target.matches("[data-speed]"))
    player.film.playbackRate = Number(event.target.value);
});
document.addEventListener("click", (event) => {
  const player = of(event.target);
  if (!player) return;
  const button = event.target.closest("button");
  if (event.target === player.film || button?.matches("[data-play]")) toggle(player);
  else if (button?.matches("[data-step]")) step(player, Number(button.dataset.step));
  else if (button?.matches("[data-loop]")) loop(player);
  else if (button?.matches("[data-sound]")) mute(player);
  else if (button?.matches("[data-full]")) full(player);
});
document.addEventListener("keydown", (event) => {
  const player = of(event.target);
  if (!player || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // A list keeps its own keys, and the space bar presses the button that has the focus.
  if (
    !(key in KEYS) ||
    event.target.matches("select") ||
    (key === " " && event.target.matches("button"))
  )
    return;
  event.preventDefault();
  if (!event.repeat || AGAIN.includes(key)) KEYS[key](player);
});
document.addEventListener("htmx:load", own);
own();
