// Passkeys: a button asks the browser for one, and its answer is posted with the form around it.
// Options come with the page (data-options) or from an address (data-options-url).
const bytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
};
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
const known = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

export const toCreate = (key) => ({
  ...key,
  challenge: bytes(key.challenge),
  user: { ...key.user, id: bytes(key.user.id) },
  excludeCredentials: known(key.excludeCredentials),
});
export const toGet = (key) => ({
  ...key,
  challenge: bytes(key.challenge),
  allowCredentials: known(key.allowCredentials),
});
export const answer = (credential) => {
  const { id, type, response } = credential;
  const parts = {};
  for (const name of [
    "clientDataJSON",
    "attestationObject",
    "authenticatorData",
    "signature",
    "userHandle",
  ])
    if (response[name]) parts[name] = text(response[name]);
  return {
    id,
    rawId: text(credential.rawId),
    type,
    response: parts,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
};

async function options(button) {
  if (button.dataset.options) return JSON.parse(button.dataset.options);
  const said = await fetch(button.dataset.optionsUrl, { headers: { Accept: "application/json" } });
  if (!said.ok) throw new Error(`${said.status}`);
  return (await said.json()).request_options;
}

async function use(button) {
  const problem = button.closest("[data-passkey-place]").querySelector("[data-passkey-problem]");
  const tell = (words) => {
    problem.textContent = words;
    problem.hidden = !words;
  };
  tell("");
  if (!window.PublicKeyCredential) return tell(problem.dataset.none);
  button.disabled = true;
  try {
    const { publicKey } = await options(button);
    const made =
      button.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: toCreate(publicKey) })
        : await navigator.credentials.get({ publicKey: toGet(publicKey) });
    const form = button.closest("form");
    form.querySelector("[data-passkey-credential]").value = JSON.stringify(answer(made));
    form.submit();
  } catch (error) {
    button.disabled = false;
    tell(error.name === "SecurityError" ? problem.dataset.none : problem.dataset.refused);
  }
}

globalThis.document?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-passkey]");
  if (button) use(button);
});
