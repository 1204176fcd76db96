// What the live scripts share: a page fetched again, and the one line that says what happened.

import { signedIn } from "../signed_out.js";

export const parse = (html) => new DOMParser().parseFromString(html, "text/html");

/** The body of `url` as this person sees it; throws when it is not there or leads elsewhere. */
export const get = async (url) => {
  const answer = signedIn(
    await fetch(url, {
      headers: { "HX-Request": "true" },
      credentials: "same-origin",
      redirect: "error",
    }),
  );
  if (!answer.ok) throw new Error(answer.status);
  return answer.text();
};

/** Have a reader of the screen say `words`. */
export const say = (words) => {
  const line = document.querySelector("#said");
  if (line && words) line.textContent = words;
};
