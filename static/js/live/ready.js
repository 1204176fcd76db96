// Tells who looks elsewhere that a video of theirs is ready: in the tab's title, and by choice with
// a notification and a sound. What was chosen is kept in this browser.
const SOUND = "sound";
const NOTIFICATION = "notification";
const ONE_TAB = 5_000; // ms in which another tab of the same person says nothing
const title = { own: "", n: 0 };

const kept = () => {
  try {
    return window.localStorage;
  } catch {
    return null; // a browser that keeps nothing
  }
};
const chosen = (what) => kept()?.getItem(`ready-${what}`) === "on";
const choose = (what, yes) => kept()?.setItem(`ready-${what}`, yes ? "on" : "off");
const may = () => "Notification" in window && Notification.permission === "granted";

// ── telling ──
const ring = () => {
  const sound = new AudioContext();
  const loud = sound.createGain();
  loud.connect(sound.destination);
  loud.gain.setValueAtTime(0.15, sound.currentTime);
  loud.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.9);
  for (const [tone, after] of [
    [660, 0],
    [880, 0.18],
  ]) {
    const one = sound.createOscillator();
    one.frequency.value = tone;
    one.connect(loud);
    one.start(sound.currentTime + after);
    one.stop(sound.currentTime + 0.9);
    if (after) one.onended = () => sound.close();
  }
};
const entitle = () => {
  if (document.visibilityState === "visible") return;
  if (!title.n) title.own = document.title;
  title.n += 1;
  document.title = `(${title.n}) ${title.own}`;
};
const notify = ({ words, title: name, url }) => {
  const note = new Notification(words, { body: name, tag: "footlight-ready", renotify: true });
  note.onclick = () => {
    window.focus();
    location.assign(url);
    note.close();
  };
};
const tell = async (url) => {
  const answer = await fetch(url, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return;
  const ready = await answer.json();
  if (!ready.mine) return;
  entitle();
  // Of several tabs one speaks.
  await navigator.locks?.request(url, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    if (chosen(SOUND)) ring();
    if (chosen(NOTIFICATION) && may() && document.visibilityState !== "visible") notify(ready);
    await new Promise((done) => setTimeout(done, ONE_TAB));
  });
};

/** A job moved: `team` is the address of its stream. */
export const moved = ({ job, state }, team) => {
  const away = document.visibilityState !== "visible";
  if (state !== "succeeded" || !(away || chosen(SOUND))) return;
  tell(`${team.replace("/live/", "/t/")}jobs/${job}/ready/`).catch(() => {});
};

// ── choosing ──
/** Buttons and boxes as they were chosen here. */
export const draw = () => {
  const denied = "Notification" in window && Notification.permission === "denied";
  for (const box of document.querySelectorAll("input[data-ready]")) {
    const what = box.dataset.ready;
    box.checked = chosen(what) && (what === SOUND || may());
    box.disabled = what === NOTIFICATION && (denied || !("Notification" in window));
  }
  for (const part of document.querySelectorAll("[data-ready-choices]")) part.hidden = !kept();
  for (const line of document.querySelectorAll("[data-ready-denied]")) line.hidden = !denied;
  for (const button of document.querySelectorAll("[data-ready-ask]")) {
    button.hidden = denied || !("Notification" in window) || (chosen(NOTIFICATION) && may());
  }
};
const ask = async () => {
  const yes = (await Notification.requestPermission()) === "granted";
  choose(NOTIFICATION, yes);
  draw();
};
document.addEventListener("change", ({ target }) => {
  const what = target.dataset?.ready;
  if (!what) return;
  if (what === NOTIFICATION && target.checked) ask();
  else choose(what, target.checked);
  if (what === SOUND && target.checked) ring();
});
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-ready-ask]")) ask();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible" || !title.n) return;
  document.title = title.own;
  title.n = 0;
});
document.addEventListener("htmx:afterSwap", draw);
draw();
