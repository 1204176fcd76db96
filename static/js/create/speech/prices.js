// What the kept parts cost, asked of the server while they change: a whole new form would take the
// handle out of the hand, so only the amounts are taken out of its answer.
import { paced } from "../../pace.js";
import { signedIn } from "../../signed_out.js";
import { form } from "../form.js";
import { confirmed } from "./confirmed.js";

const LEAST = 150; // ms between two questions
const AMOUNTS = "[data-price], [data-part-price]";

const asking = { stop: null }; // the question that is under way

const query = () => {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form())) {
    if (name !== "csrfmiddlewaretoken" && typeof value === "string") fields.append(name, value);
  }
  return String(fields);
};

const busy = (yes) => {
  for (const amount of document.querySelectorAll(AMOUNTS)) {
    if (yes) amount.setAttribute("aria-busy", "true");
    else amount.removeAttribute("aria-busy");
  }
};

const show = (answer) => {
  for (const which of ["[data-part-price]", "[data-price]"]) {
    const words = answer.querySelector(which)?.textContent;
    if (words) for (const amount of document.querySelectorAll(which)) amount.textContent = words;
  }
  const [field, confirmedNow] = [form(), answer].map((page) =>
    page.querySelector("[data-confirmed-prices]"),
  );
  if (field && confirmedNow) field.value = confirmed(field.value, confirmedNow.value, "make");
};

const ask = async () => {
  if (!form()) return;
  const asked = query();
  asking.stop = new AbortController();
  const { signal } = asking.stop;
  try {
    const response = signedIn(
      await fetch(`${form().getAttribute("hx-get")}?${asked}`, {
        headers: { "HX-Request": "true" },
        credentials: "same-origin",
        redirect: "error",
        signal,
      }),
    );
    if (!response.ok) throw new Error(response.status);
    const answer = new DOMParser().parseFromString(await response.text(), "text/html");
    if (signal.aborted) return;
    show(answer);
    if (query() === asked) busy(false);
  } catch {
    // The next form brings it, and a click that costs more than was shown is refused
    if (!signal.aborted) busy(false);
  }
};

const soon = paced(ask, LEAST);

/** The kept parts changed: the amounts that are shown wait for the server's. */
export const askPrices = () => {
  busy(true);
  soon();
};

// A new form has its own amounts; an answer to an older question must not replace them.
document.addEventListener("htmx:afterSwap", () => asking.stop?.abort());
