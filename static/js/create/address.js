// The draft is in the address at once: who reloads before the answer is there, or while typing,
// finds it as it was.
// Ms: browsers count how often an address changes, and refuse a hundred in half a minute
const SOON = 350;

const news = { fields: new Map(), timer: 0 };

/** Write into the address what is not there yet. */
export const writeAddress = () => {
  news.timer = 0;
  const address = new URL(location.href);
  for (const [name, value] of news.fields) {
    if (value.trim()) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(history.state, "", address);
  news.fields.clear();
};

/** `value` of the field `name` belongs in the address, shortly; a blank one leaves it. */
export const remember = (name, value) => {
  news.fields.set(name, value);
  news.timer ||= setTimeout(writeAddress, SOON);
};

document.addEventListener("input", ({ target }) => {
  if (target.closest("#make") && target.name === "title") remember("title", target.value);
});
document.addEventListener("htmx:replacedInHistory", () => {
  // It may have been typed on since the question was sent
  const title = document.querySelector("#make #title");
  if (title) remember("title", title.value);
});
