// Previews of dance templates: the video of a card plays while the card is pointed at or has the
// focus, and after a tap on its picture. Without this script, and where people ask for less motion,
// its first picture stands still.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const cardOf = (target) => (target instanceof Element ? target.closest("[data-loops]") : null);
const filmOf = (card) => card?.querySelector("video[loop]") ?? null;
let playing = null;
let began = 0;

const stop = () => {
  if (!playing) return;
  playing.pause();
  playing.load(); // back to its poster, and nothing more is fetched
  playing = null;
};
const play = (film) => {
  if (!film || still.matches || film === playing) return;
  stop();
  playing = film;
  began = performance.now();
  film.play().catch((error) => {
    // AbortError: stopped before it had begun. Anything else: this browser does not play it, so its
    // picture stays.
    if (error.name !== "AbortError" && playing === film) stop();
  });
};
const leave = (card) => {
  // What has the focus goes on playing when the pointer leaves, and the other way round.
  if (card && filmOf(card) === playing && !card.matches(":hover, :focus-within")) stop();
};

document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "touch") play(filmOf(cardOf(event.target)));
});
document.addEventListener("pointerout", (event) => {
  const card = cardOf(event.target);
  if (event.pointerType !== "touch" && cardOf(event.relatedTarget) !== card) leave(card);
});
document.addEventListener("focusin", (event) => play(filmOf(cardOf(event.target))));
document.addEventListener("focusout", (event) => {
  const card = cardOf(event.target);
  if (cardOf(event.relatedTarget) !== card) leave(card);
});

// A tap plays it and another stops it; on a radio the first tap also brings the focus, which must
// not count as a second.
document.addEventListener("click", (event) => {
  if (event.pointerType !== "touch") return;
  const film = filmOf(cardOf(event.target));
  if (!film || !event.target.closest("video, input")) return;
  if (film === playing && event.timeStamp - began > 500) stop();
  else play(film);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stop();
});
still.addEventListener("change", stop);
