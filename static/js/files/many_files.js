// Many files in a row, `atOnce` at a time: how far they are, which were not taken, and which wait
// when no other would go. Nothing here touches the page.

const COUNTED = { new: "fresh", here: "here", refused: "refused" };
const NONE = { total: 0, done: 0, fresh: 0, here: 0, refused: 0 };

/**
 * `send(job)` takes one job to its end and resolves to { end, error } as oneFile does;
 * `changed(state, jobs)` is called after every step with those on their way, `ended(job, outcome)`
 * after each, `idle(state)` when nothing is on its way any more. What was stopped stays in line,
 * and all behind it, until `goOn` or more files come.
 *
 * `state`: how many files in all (`total`), through (`done`), new in the library (`fresh`), `here`
 * before, `refused` and `waiting`; `halted` with the reason `why` when the rest does not go.
 */
export const manyFiles = ({ atOnce, send, changed, ended, idle }) => {
  const line = [];
  const under = new Set();
  const state = { ...NONE, waiting: 0, halted: false, why: "" };

  const tell = () => {
    state.waiting = line.length;
    changed(state, [...under]);
  };
  const take = async (job) => {
    under.add(job);
    const outcome = await send(job);
    under.delete(job);
    if (outcome.end === "stop") {
      Object.assign(state, { halted: true, why: outcome.error });
      line.unshift(job);
    } else {
      state.done += 1;
      state[COUNTED[outcome.end]] += 1;
    }
    ended(job, outcome);
    next();
  };
  const next = () => {
    while (!state.halted && under.size < atOnce && line.length) take(line.shift());
    tell();
    if (!under.size) idle(state);
  };
  const goOn = () => {
    Object.assign(state, { halted: false, why: "" });
    next();
  };
  const add = (jobs) => {
    if (!jobs.length) return;
    if (!line.length && !under.size) Object.assign(state, NONE);
    state.total += jobs.length;
    line.push(...jobs);
    goOn();
  };
  /** Whether something is on its way or in line, which leaving the page would lose. */
  const busy = () => under.size + line.length > 0;
  return { add, busy, goOn, state };
};
