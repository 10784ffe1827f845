// Passkeys on the account pages. A page works without this file: each form stays hidden until it is of use.
//
// <form data-passkey="create" data-options="{…}" method="post" hidden>  or  data-passkey="get"
//   <input type="hidden" data-answer>  gets the JSON of the answer, and the form is sent
//   <button>
//   <p data-when="cancelled" hidden>, "exists" and "failed": the text for what went wrong
// In place of data-options, data-options-from names an address that answers a POST with the options.
//
// <… data-with-passkeys hidden> is shown, and <… data-without-passkeys> hidden, if the browser has passkeys.
// If a field of the page has autocomplete="username webauthn", a form for "get" also offers passkeys there.
// <… data-accepted-passkeys="{…}"> has the argument of `signalAllAcceptedCredentials`: which passkeys of the user still
// exist. The provider of the passkeys then hides deleted ones.
"use strict";

// Bytes from and to base64url. Browsers have had their own functions for it only since 2025, and some extensions with
// passkeys answer with objects that lack them.
const decode = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
};
const encode = (buffer) => {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

function parse(options) {
  const list = (descriptors) => descriptors?.map((one) => ({ ...one, id: decode(one.id) }));
  return {
    ...options,
    challenge: decode(options.challenge),
    ...(options.user && { user: { ...options.user, id: decode(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: list(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: list(options.allowCredentials) }),
  };
}

function toJson(credential) {
  const from = credential.response;
  const response = { transports: from.getTransports?.() };
  const ofBoth = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  for (const name of ofBoth) {
    if (from[name]) response[name] = encode(from[name]);
  }
  const id = encode(credential.rawId);
  return JSON.stringify({ id, rawId: id, type: credential.type, response });
}

async function optionsOf(form) {
  const { options, optionsFrom } = form.dataset;
  if (options) return JSON.parse(options);
  const answer = await fetch(optionsFrom, { method: "POST" });
  if (!answer.ok) throw new Error(`${answer.status} instead of options`);
  return answer.json();
}

function send(form, credential) {
  form.querySelector("[data-answer]").value = toJson(credential);
  form.submit();
}

// The offer in the field for the name. It waits until the user picks a passkey, so another request must end it first.
let offer;

// The site takes an answer for some minutes only (`timeout`), and the page may be open for hours: so there is a new
// offer in time, when the user looks at the page.
async function offerIn(form) {
  offer?.abort();
  offer = new AbortController();
  const { signal } = offer;
  try {
    const publicKey = parse(await optionsOf(form));
    if (signal.aborted) return;
    const isVisible = () => document.visibilityState == "visible";
    const renew = () => {
      if (signal.aborted) return;
      if (isVisible()) offerIn(form);
      else document.addEventListener("visibilitychange", renew, { once: true, signal });
    };
    setTimeout(renew, 0.9 * publicKey.timeout);
    send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal }));
  } catch {
    // The user went on without a passkey. The form is still there.
  }
}

async function ask(form) {
  const show = (when) => {
    for (const text of form.querySelectorAll("[data-when]")) text.hidden = text.dataset.when != when;
  };
  show();
  offer?.abort();
  form.querySelector("button").disabled = true;
  try {
    const publicKey = parse(await optionsOf(form));
    send(form, await navigator.credentials[form.dataset.passkey]({ publicKey }));
  } catch (error) {
    const known = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "exists" };
    show(known[error.name] ?? "failed");
    form.querySelector("button").disabled = false;
  }
}

async function start() {
  for (const part of document.querySelectorAll("[data-with-passkeys]")) part.hidden = false;
  for (const part of document.querySelectorAll("[data-without-passkeys]")) part.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
  }
  const accepted = document.querySelector("[data-accepted-passkeys]");
  if (accepted && PublicKeyCredential.signalAllAcceptedCredentials) {
    PublicKeyCredential.signalAllAcceptedCredentials(JSON.parse(accepted.dataset.acceptedPasskeys)).catch(() => {});
  }
  const form = document.querySelector("form[data-passkey=get]");
  const hasField = document.querySelector("input[autocomplete~=webauthn]");
  if (form && hasField && (await PublicKeyCredential.isConditionalMediationAvailable?.())) offerIn(form);
}

if (window.PublicKeyCredential && navigator.credentials) start();
