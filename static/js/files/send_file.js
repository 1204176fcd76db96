// One file of a page to its end: asked for by its content, sent with its progress, tried again.

import { oneFile } from "./one_file.js";
import { askKnown, put } from "./transfer.js";

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * `file`, whose SHA-256 is `content` ("" when it is not known), ends as `oneFile` says.
 *
 * `page` is what `put` of transfer.js takes, with `knownUrl`, the sentence `unread` for a file that
 * cannot be read, and `sent()`, called when it is there; what that returns is called when its
 * answer has come.
 */
export const sendFile = (file, content, page) =>
  oneFile(file, {
    known: async () =>
      content ? (await askKnown(page.knownUrl, { sha256: content })).asset : null,
    put: async () => {
      let answered = () => {};
      const sent = () => {
        answered = page.sent();
      };
      const told = await put(file, { ...page, sent });
      answered();
      return told.status === -1 ? { status: 400, answer: { error: page.unread } } : told;
    },
    pause,
  });
