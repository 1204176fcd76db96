// What the site tells a browser about a passkey becomes bytes, and what it answers becomes text.
import assert from "node:assert/strict";
import test from "node:test";
import { answer, toCreate, toGet } from "../../static/js/teams/passkey.js";

const bytes = (...numbers) => Uint8Array.from(numbers).buffer;

test("the words of base64url become the bytes that they stand for", () => {
  const made = toCreate({
    challenge: "-_8",
    user: { id: "MTc", name: "a" },
    excludeCredentials: [{ id: "AQID", type: "public-key" }],
    rp: { id: "localhost" },
  });
  assert.deepEqual([...made.challenge], [251, 255]);
  assert.deepEqual([...made.user.id], [49, 55]);
  assert.deepEqual([...made.excludeCredentials[0].id], [1, 2, 3]);
  assert.equal(made.user.name, "a");
  assert.deepEqual(made.rp, { id: "localhost" });
});

test("a sign-in names no passkey, so the browser offers its own", () => {
  const asked = toGet({ challenge: "AA", userVerification: "required" });
  assert.equal(asked.allowCredentials, undefined);
  assert.equal(asked.userVerification, "required");
});

test("the answer is text again, and holds what there is and nothing else", () => {
  const said = answer({
    id: "AQID",
    rawId: bytes(1, 2, 3),
    type: "public-key",
    response: { clientDataJSON: bytes(251, 255), signature: bytes(0), userHandle: null },
    getClientExtensionResults: () => ({ credProps: { rk: true } }),
  });
  assert.deepEqual(said, {
    id: "AQID",
    rawId: "AQID",
    type: "public-key",
    response: { clientDataJSON: "-_8", signature: "AA" },
    clientExtensionResults: { credProps: { rk: true } },
  });
});
