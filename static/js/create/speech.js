// A speech on a create page: what of it is kept, dragged or typed, heard without what is left out, and recorded here.
//
// Parts are written as the server reads them, “2100-18000.19900-43300” in milliseconds, in the hidden field [data-keep]; it follows
// every movement, so a click that costs always sends what is shown. The price that runs along is the server's arithmetic on its
// numbers; its own comes with the next answer.
import { form, refresh, remember, send } from "./form.js";

const WIDTH = 600; // units across the drawing
const LEAST = 100; // ms of a part that the server takes
const SETTLE = 350; // ms after the last movement until the price is asked for
const BREATH = 150; // ms of silence left at an end that was moved to one
const NEAR = 5; // ms that a seek may land beside its aim
const LONGEST = 600; // seconds of one recording
const SVG = "http://www.w3.org/2000/svg";

const box = () => document.querySelector("[data-trim]");
const keep = () => document.querySelector("[data-keep]");
const parse = (word) => (word ? word.split(".").map((part) => part.split("-").map(Number)) : []);
const write = (parts) => parts.map((part) => part.join("-")).join(".");
const length = (parts) => parts.reduce((sum, [start, stop]) => sum + stop - start, 0);
const tenths = (ms) => (Math.floor((ms + 50) / 100) / 10).toFixed(1);

// ── numbers as the server shows them ──
const span = (ms) => {
  if (Math.round(ms / 100) < 600) return `${tenths(ms)}\u00a0s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}\u00a0m\u00a0${seconds % 60}\u00a0s`;
};
const money = (symbol, micros) =>
  symbol + (Math.round(micros / 100) / 10_000).toLocaleString("en-US", { minimumFractionDigits: 4, maximumFractionDigits: 4 });

// ── what is kept ──
const bases = new WeakMap(); // the parts that a drawing came with: a gap that one drags over is there again when one drags back
const base = (node) => bases.get(node) ?? (bases.set(node, parse(keep().value)), bases.get(node));
const edged = (parts, start, stop) => {
  const inside = parts.map(([a, b]) => [Math.max(a, start), Math.min(b, stop)]).filter(([a, b]) => b - a >= LEAST);
  if (!inside.length) return [[start, stop]];
  inside[0][0] = start;
  inside.at(-1)[1] = stop;
  return inside;
};
const put = (node, value) => {
  if (node && node !== document.activeElement) node.value = value;
};
const draw = (node, parts) => {
  const { whole, unit, symbol, total, kept } = node.dataset;
  const [start, stop, now] = [parts[0][0], parts.at(-1)[1], length(parts)];
  const across = (ms) => ((ms * WIDTH) / whole).toFixed(1);
  const edges = [0, ...parts.flat(), Number(whole)];
  const gone = edges.flatMap((edge, i) => (i % 2 || edge >= edges[i + 1] ? [] : [["off", edge, edges[i + 1]]]));
  node.querySelector("[data-bands]").replaceChildren(
    ...[...gone, ...parts.map((part) => ["kept", ...part])].map(([css, a, b]) => {
      const rect = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ class: css, x: across(a), width: across(b - a), height: 100 })) rect.setAttribute(name, value);
      return rect;
    }),
  );
  const [first, last] = node.querySelectorAll("input");
  first.value = start / 1000;
  last.value = stop >= whole ? last.max : stop / 1000;
  put(document.querySelector("[data-trim-from]"), tenths(start));
  put(document.querySelector("[data-trim-to]"), tenths(stop));
  for (const shown of document.querySelectorAll("[data-length]")) shown.textContent = span(now);
  if (!unit) return;
  const micros = (ms) => Math.round((unit * ms) / 1000);
  for (const shown of document.querySelectorAll("[data-part-price]")) shown.textContent = money(symbol, micros(now));
  if (total === "") return;
  const all = Number(total) - micros(Number(kept)) + micros(now);
  for (const shown of document.querySelectorAll("[data-price]")) shown.textContent = money(symbol, all);
  const told = document.querySelector("#make [data-told]"); // what the button says goes along with its click
  if (told) told.value = told.value.replace(/\bmake=\d+/, `make=${all}`);
};
const commit = (node, parts) => {
  keep().value = write(parts);
  remember(keep().name, keep().value);
  draw(node, parts);
};
// Moves one end to `ms`, as far as the other one lets it.
const move = (node, end, ms) => {
  const parts = parse(keep().value);
  const { whole, least } = node.dataset;
  let [start, stop] = [parts[0][0], parts.at(-1)[1]];
  if (end === "start") start = Math.max(0, Math.min(ms, stop - least));
  else stop = Math.min(Number(whole), Math.max(ms, start + Number(least)));
  commit(node, edged(base(node), start, stop));
};

// ── dragging and typing ──
let timer = 0;
let held = false;
const later = () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    timer = 0;
    refresh();
  }, SETTLE);
};
const handle = (target) => target.matches?.("[data-trim] input") && target.closest("[data-trim]");
const typed = (target) => target.matches?.("[data-trim-from], [data-trim-to]");
const milliseconds = (input) => Math.round(Number(input.value) * 1000);
addEventListener("pointerdown", (event) => {
  held = Boolean(handle(event.target));
});
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => (held = false));
document.addEventListener("input", (event) => {
  const { target } = event;
  const node = handle(target) || (typed(target) && box());
  if (!node || target.value === "" || !Number.isFinite(Number(target.value))) return;
  const end = target.matches("#trim-start, [data-trim-from]") ? "start" : "end";
  const top = target.type === "range" && target.value === target.max;
  move(node, end, top ? Number(node.dataset.whole) : milliseconds(target));
});
document.addEventListener(
  "change",
  (event) => {
    const { target } = event;
    if (typed(target)) target.value = tenths(target.matches("[data-trim-from]") ? parse(keep().value)[0][0] : parse(keep().value).at(-1)[1]);
    if (!handle(target)) return;
    event.stopPropagation(); // arrow keys change it many times a second; the price is asked for once
    later();
  },
  true,
);
// An answer to an older question must not take the handle out of the hand; the next question brings all of it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  if (target?.id !== "make" || requestConfig?.verb !== "get" || !(held || timer)) return;
  event.detail.shouldSwap = false;
  later();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[name=do]")) return;
  clearTimeout(timer); // the answer to this click shows all of it
  timer = 0;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-set], [data-snap]");
  const node = box();
  if (!button || !node) return;
  event.preventDefault();
  if (button.matches("[data-set]")) {
    commit(node, parse(button.value));
    bases.delete(node);
  } else snap(node);
  refresh();
});

// ── snap to silence ──
const nearest = (moments, at) => moments.reduce((best, moment) => (Math.abs(moment - at) < Math.abs(best - at) ? moment : best), moments[0]);
const snap = (node) => {
  const quiet = parse(node.dataset.quiet);
  const parts = parse(keep().value);
  const [least, most] = [Number(node.dataset.least), Number(node.dataset.most)];
  const fits = (a, b) => b - a >= least && (length(parts) > most || length(edged(base(node), a, b)) <= most);
  const stop = parts.at(-1)[1];
  const starts = quiet.map(([a, b]) => Math.max(a, b - BREATH)).filter((a) => fits(a, stop));
  const start = starts.length ? nearest(starts, parts[0][0]) : parts[0][0];
  const stops = quiet.map(([a, b]) => Math.min(b, a + BREATH)).filter((b) => fits(start, b));
  commit(node, edged(base(node), start, stops.length ? nearest(stops, stop) : stop));
};

// ── listening ──
const sound = () => document.querySelector("#speech audio");
let playing = false;
const paint = () => {
  const button = document.querySelector("[data-play-kept]");
  const word = button?.querySelector("[data-word]");
  if (!word || Boolean(button.dataset.playing) === playing) return;
  [word.textContent, word.dataset.other] = [word.dataset.other, word.textContent];
  button.dataset.playing = playing ? "yes" : "";
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, playing ? "#stop" : "#play"));
};
const head = () => {
  const [audio, node] = [sound(), box()];
  const line = node?.querySelector(".head");
  if (!audio || !line) return;
  const x = Math.min(WIDTH, (audio.currentTime * 1000 * WIDTH) / node.dataset.whole).toFixed(1);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  line.setAttribute("visibility", audio.paused && !audio.currentTime ? "hidden" : "visible");
};
const rest = () => {
  playing = false;
  sound()?.pause();
  paint();
};
const step = () => {
  const [audio, field] = [sound(), keep()];
  if (playing && (!audio || !field)) playing = false;
  if (playing && !audio.seeking) {
    const at = audio.currentTime * 1000;
    const part = parse(field.value).find(([, stop]) => at < stop - NEAR);
    if (!part || audio.ended) rest();
    else if (at < part[0] - NEAR) audio.currentTime = part[0] / 1000;
  }
  head();
};
const run = () => {
  step();
  if (playing) requestAnimationFrame(run);
};
document.addEventListener("timeupdate", (event) => event.target === sound() && step(), true); // a page in the background draws no frames
document.addEventListener("seeked", (event) => event.target === sound() && head(), true);
for (const kind of ["pause", "ended"]) {
  document.addEventListener(
    kind,
    (event) => {
      if (event.target !== sound() || !event.target.paused) return;
      playing = false;
      paint();
    },
    true,
  );
}
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-play-kept]") || !sound()) return;
  if (playing) return rest();
  const parts = parse(keep().value);
  sound().currentTime = parts[0][0] / 1000;
  playing = true;
  sound().play().then(run, rest);
  paint();
});

// ── the microphone ──
const recorder = () => document.querySelector("[data-recorder]");
const can = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
let take = null; // what is recorded now, or was last
let asking = false; // the browser asks whether it may; a second press would leave a microphone on that no button stops
const show = (name) => {
  for (const part of ["idle", "live", "done"]) recorder().querySelector(`[data-${part}]`).hidden = part !== name;
};
const say = (word) => {
  const line = recorder().querySelector("[data-recorder-said]");
  line.textContent = word ? line.dataset[word] : "";
};
const refuse = (words) => {
  const error = recorder().querySelector("[data-slot-error]");
  error.hidden = !words;
  error.querySelector("div").textContent = words;
};
const forget = () => {
  if (take?.url) URL.revokeObjectURL(take.url);
  const audio = recorder().querySelector("audio");
  audio.removeAttribute("src");
  audio.load();
  take = null;
};
const release = ({ stream, context, clock }) => {
  clearInterval(clock);
  for (const track of stream.getTracks()) track.stop();
  context.close();
};
const metered = (mine) => {
  const analyser = mine.context.createAnalyser();
  mine.context.createMediaStreamSource(mine.stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const began = performance.now();
  return setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loud = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    const share = loud ? Math.max(0, Math.min(1, 1 + Math.log10(loud) / 2.5)) : 0; // from 50 dB below full scale
    const seconds = Math.floor((performance.now() - began) / 1000);
    recorder()?.querySelector(".level .now").setAttribute("width", (share * 100).toFixed(0));
    const elapsed = recorder()?.querySelector("[data-elapsed]");
    if (elapsed) elapsed.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (seconds >= LONGEST) mine.media.stop();
  }, 100);
};
const record = async () => {
  if (asking || take?.media?.state === "recording") return;
  asking = true;
  rest();
  forget();
  refuse("");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: true, autoGainControl: true } });
    const type = TYPES.find((name) => MediaRecorder.isTypeSupported(name));
    const media = new MediaRecorder(stream, { ...(type && { mimeType: type }), audioBitsPerSecond: 128_000 });
    const mine = { stream, media, context: new AudioContext(), pieces: [], at: new Date() };
    take = mine;
    media.ondataavailable = ({ data }) => data.size && mine.pieces.push(data);
    media.onstop = () => {
      release(mine);
      if (take !== mine || !recorder()) return;
      if (!mine.pieces.length) {
        show("idle");
        return refuse(recorder().dataset.failed);
      }
      mine.blob = new Blob(mine.pieces, { type: media.mimeType });
      mine.url = URL.createObjectURL(mine.blob);
      recorder().querySelector("audio").src = mine.url;
      show("done");
      say("stopped");
      recorder().querySelector("[data-record-use]").focus();
    };
    media.start();
    mine.clock = metered(mine);
    show("live");
    say("recording");
    recorder().querySelector("[data-record-stop]").focus();
  } catch (error) {
    const words = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", NotReadableError: "busy" };
    for (const track of stream?.getTracks() ?? []) track.stop();
    take = null;
    show("idle");
    refuse(recorder().dataset[words[error.name] ?? "failed"]);
  } finally {
    asking = false;
  }
};
const drop = () => {
  forget();
  show("idle");
  say("");
  refuse("");
};
const use = () => {
  if (!take?.blob) return;
  const time = `${take.at.getHours()}:${String(take.at.getMinutes()).padStart(2, "0")}`;
  const name = `${recorder().dataset.name.replace("{time}", time)}.wav`; // the server gives the ending that the sound has
  send(recorder(), new File([take.blob], name, { type: take.blob.type }), drop);
};
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-recorder] button");
  if (!button) return;
  if (button.matches("[data-record]")) record();
  else if (button.matches("[data-record-stop]")) take?.media.stop();
  else if (button.matches("[data-record-use]")) use();
  else drop();
});

// ── what arrives later ──
const ready = () => {
  if (recorder() && can) recorder().hidden = false;
  paint();
  head();
};
document.addEventListener("htmx:afterSwap", ready);
ready();
