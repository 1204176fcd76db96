// How the sound of another file keeps in step with a film. Nothing here touches the page.

const DRIFT = 0.08; // seconds that sound and picture may be apart before anybody notices
// From here the sound jumps; below it runs a little faster or slower, which nobody hears
const JUMP = 0.25;
const BEND = 0.1;
const SETTLE = 400; // ms that a jump has to land
const MOST = 0.5; // seconds that a jump may lead the film
const EDGE = 0.001; // seconds into a frame, so that rounding never shows its neighbour

/**
 * What is remembered between two steps: when the last jump was, by how much jumps lead, whether
 * one lands, a rate bends.
 */
export const started = () => ({ jumped: 0, lead: 0, landing: false, bends: false });

// A jump takes its time, and the film goes on meanwhile: the next one leads by half of what this
// one came late.
const leadAfter = ({ lead, landing }, late) =>
  landing ? Math.min(Math.max(0, lead - late / 2), MOST) : lead;

/**
 * One step. `film`: {at, rate, plays: it runs and has frames}; `sound`: {at, end: its length,
 * Infinity while unknown, ended, ready: it can be judged and sought}; `before`: what the last step
 * remembered; `now` in ms. Answers with {plays, rate, seek: where to go or null} for the sound,
 * and what to remember.
 */
export const inStep = (film, sound, before, now) => {
  const end = sound.end - (sound.ended ? JUMP : 0); // to play what has ended would begin it again
  const plays = film.plays && film.at < end;
  const aim = (at) => Math.min(at, Number.isFinite(sound.end) ? sound.end : film.at);
  const apart = sound.at - aim(film.at);
  const calm = { plays, rate: film.rate, seek: null, memory: before };
  if (!plays) {
    const seek = Math.abs(apart) > DRIFT ? aim(film.at) : null;
    return { ...calm, seek, memory: { ...before, landing: false } };
  }
  if (!sound.ready || now - before.jumped <= SETTLE) return calm;
  const lead = leadAfter(before, apart / film.rate);
  const landing = Math.abs(apart) > JUMP;
  const bends = Math.abs(apart) > (before.bends ? DRIFT / 4 : DRIFT);
  const memory = { jumped: landing ? now : before.jumped, lead, landing, bends };
  if (landing) return { ...calm, seek: aim(film.at + lead * film.rate), memory };
  return {
    ...calm,
    rate: bends ? film.rate * (apart > 0 ? 1 - BEND : 1 + BEND) : film.rate,
    memory,
  };
};

/**
 * Where a film of `fps` and `length` seconds stops when it goes `by` frames on from `at` seconds.
 */
export const frameAt = (at, by, { fps, length }) => {
  const last = Math.max(0, Math.round(length * fps) - 1);
  const frame = Math.min(Math.max(0, Math.floor((at + EDGE) * fps) + by), last);
  return frame && frame / fps + EDGE;
};
