// A speech recorded here with the microphone: listened to, then used like a chosen file, or thrown
// away.
import { minutes } from "../../format.js";
import { send } from "../file_slots.js";
import { level } from "./level.js";
import { rest } from "./listening.js";

const LONGEST = 600; // seconds of one recording
const LOOK = 100; // ms between two looks at the level
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const REFUSED = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  NotReadableError: "busy",
};

const can = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
const recorder = () => document.querySelector("[data-recorder]");

// take: what is recorded now, or was last. asking: the browser asks whether it may; a second press
// would leave a microphone on that no button stops.
const recording = { take: null, asking: false };

// ── what is shown ──
const show = (name) => {
  for (const part of ["idle", "live", "done"]) {
    recorder().querySelector(`[data-${part}]`).hidden = part !== name;
  }
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
const showLevel = (samples, seconds) => {
  const share = level(samples);
  recorder()
    ?.querySelector(".level .now")
    .setAttribute("width", (share * 100).toFixed(0));
  const elapsed = recorder()?.querySelector("[data-elapsed]");
  if (elapsed) elapsed.textContent = minutes(seconds);
};

// ── one take ──
const forget = () => {
  if (recording.take?.url) URL.revokeObjectURL(recording.take.url);
  const audio = recorder().querySelector("audio");
  audio.removeAttribute("src");
  audio.load();
  recording.take = null;
};
const release = ({ stream, context, clock }) => {
  clearInterval(clock);
  for (const track of stream.getTracks()) track.stop();
  context.close();
};
const watch = ({ context, stream, media }) => {
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const began = performance.now();
  return setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const seconds = (performance.now() - began) / 1000;
    showLevel(samples, seconds);
    if (seconds >= LONGEST) media.stop();
  }, LOOK);
};
const stopped = (take) => {
  release(take);
  if (recording.take !== take || !recorder()) return;
  if (!take.pieces.length) {
    show("idle");
    refuse(recorder().dataset.failed);
    return;
  }
  take.blob = new Blob(take.pieces, { type: take.media.mimeType });
  take.url = URL.createObjectURL(take.blob);
  recorder().querySelector("audio").src = take.url;
  show("done");
  say("stopped");
  recorder().querySelector("[data-record-use]").focus();
};
const begin = (stream) => {
  const type = TYPES.find((name) => MediaRecorder.isTypeSupported(name));
  const media = new MediaRecorder(stream, {
    ...(type && { mimeType: type }),
    audioBitsPerSecond: 128_000,
  });
  const take = { stream, media, context: new AudioContext(), pieces: [], at: new Date() };
  recording.take = take;
  media.ondataavailable = ({ data }) => data.size && take.pieces.push(data);
  media.onstop = () => stopped(take);
  media.start();
  take.clock = watch(take);
};

// ── the buttons ──
const record = async () => {
  if (recording.asking || recording.take?.media.state === "recording") return;
  recording.asking = true;
  rest();
  forget();
  refuse("");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: true, autoGainControl: true },
    });
    begin(stream);
    show("live");
    say("recording");
    recorder().querySelector("[data-record-stop]").focus();
  } catch (error) {
    for (const track of stream?.getTracks() ?? []) track.stop();
    recording.take = null;
    show("idle");
    refuse(recorder().dataset[REFUSED[error.name] ?? "failed"]);
  } finally {
    recording.asking = false;
  }
};
const discard = () => {
  forget();
  show("idle");
  say("");
  refuse("");
};
const use = () => {
  const { blob, at } = recording.take ?? {};
  if (!blob) return;
  const time = minutes(at.getHours() * 60 + at.getMinutes());
  // The server gives the ending that the sound has
  const name = `${recorder().dataset.name.replace("{time}", time)}.wav`;
  send(recorder(), new File([blob], name, { type: blob.type }), discard);
};
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-recorder] button");
  if (!button) return;
  if (button.matches("[data-record]")) record();
  else if (button.matches("[data-record-stop]")) recording.take?.media.stop();
  else if (button.matches("[data-record-use]")) use();
  else discard();
});

const ready = () => {
  if (recorder() && can) recorder().hidden = false;
};
document.addEventListener("htmx:afterSwap", ready);
ready();
