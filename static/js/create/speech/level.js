// How loud a microphone is. Nothing here touches the page.

const QUIETEST = 2.5; // powers of ten below full scale that count as silence: 50 dB

/** 0 … 1 for `samples` between −1 and 1: from 50 dB below full scale to full scale. */
export const level = (samples) => {
  const loud = Math.sqrt(
    samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length,
  );
  return loud ? Math.max(0, Math.min(1, 1 + Math.log10(loud) / QUIETEST)) : 0;
};
