// One file to its end: it is asked for before it is sent, and tried again when that may help.
// Nothing here touches the page.

// Seconds between tries: a connection that was cut for half a minute is got over.
export const PAUSES = [1, 3, 8, 20];
// What the server says when another try in a moment may go well (see studio/files/uploads.py).
const MOMENT = new Set([
  "decoder-busy",
  "decoder-lost",
  "slow-body",
  "uploads",
  "uploads-of-a-person",
]);
const LOST = new Set([0, 502, 504]);
const NOT_NOW = new Set([401, 403, 404]);

/**
 * Sends `file` and returns { end, answer, error }, with `end` one of
 *   "new", "here": the team has it, `answer` is the file;
 *   "refused": this file is not taken, `error` says why ("" when the server did not);
 *   "stop": no other file would go either, now: the hour is full, the connection is gone, or the
 *           person may not send; `error` as above.
 *
 * `known(file)` asks whether it is here and resolves to the answer of an upload or null;
 * `put(file)` sends it and resolves to { status, answer }, status 0 for a broken connection;
 * `pause(seconds)` waits. None of them rejects.
 */
export const oneFile = async (file, { known, put, pause }) => {
  for (let again = 0; ; again++) {
    // Also after a cut: the file may have arrived and only the answer was lost.
    const here = await known(file);
    if (here) return { end: "here", answer: here, error: "" };
    const { status, answer } = await put(file);
    if (answer?.asset) return { end: answer.new ? "new" : "here", answer, error: "" };
    const error = answer?.error ?? "";
    if (answer?.reason === "hour-full" || NOT_NOW.has(status)) return { end: "stop", error };
    const lost = LOST.has(status);
    if (!lost && !MOMENT.has(answer?.reason)) return { end: "refused", error };
    if (again === PAUSES.length) return { end: lost ? "stop" : "refused", error };
    await pause(PAUSES[again]);
  }
};
