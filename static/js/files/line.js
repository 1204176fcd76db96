// The place in line of a file that was sent and is not read yet. A file that is read at once shows
// none: nothing is asked in its first second.
const EVERY = 2000;

/** Ask `url` about the file `name` and call `say` with each new answer, until the result is called. */
export const watchLine = (url, name, say) => {
  const ask = async () => {
    const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || stopped) return;
    const { files } = await answer.json();
    const words = files.find(([label]) => label === name)?.[1];
    if (!stopped) say(words ?? "");
  };
  let stopped = false;
  const timer = setInterval(ask, EVERY);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
};
