// One raw PUT of a file, and the question whether the team has it already.

/** The file's SHA-256 in hex; "" where it cannot be told: no https, or more than `most` bytes. */
const digestOf = async (file, most) => {
  if (!globalThis.crypto?.subtle || file.size > most) return "";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

// Each is read whole to be hashed, so one at a time.
let hashed = Promise.resolve();

/** As `digestOf`; "" also for a file that cannot be read. */
export const contentOf = (file, most) => {
  hashed = hashed.then(() => digestOf(file, most)).catch(() => "");
  return hashed;
};

/** What the server tells at `url` for `asked`; {} when it does not answer. */
export const askKnown = async (url, asked) => {
  const query = new URLSearchParams(asked);
  const headers = { Accept: "application/json" };
  const answer = await fetch(`${url}?${query}`, { headers }).catch(() => null);
  return answer?.ok ? answer.json().catch(() => ({})) : {};
};

/**
 * Send `file`: resolves to { status, answer }, status 0 for a connection that broke and -1 for a
 * file that cannot be read. `progress(loaded, total)` while it goes up, `sent()` when it is there.
 */
export const put = async (file, { url, token, progress, sent }) => {
  // A folder, or a file that was moved away since, can be chosen and not be read.
  const readable = file.slice(0, 1).arrayBuffer();
  if (!(await readable.then(Boolean, () => false))) return { status: -1, answer: null };
  const request = new XMLHttpRequest();
  request.open("PUT", `${url}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-CSRFToken", token);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => progress(loaded, total);
  request.upload.onload = sent;
  return new Promise((resolve) => {
    request.onload = () => resolve({ status: request.status, answer: request.response });
    request.onerror = request.onabort = () => resolve({ status: 0, answer: null });
    request.send(file);
  });
};
