// Runs the examples against what `cargo run` starts. The argument is the program.

import assert from "node:assert/strict";

import { gql } from "@apollo/client";

import * as apollo from "./apollo.js";
import * as rest from "./axios.js";
import { Refused, Session } from "./session.js";
import { Site } from "./site.mjs";
import { upload } from "./upload.js";
import * as urql from "./urql.js";

const latchkey = process.argv[2];
const email = "ann@example.com";
const username = "ann";
const password = "kdjf84jfKKd";
const ANN = { email, username, password };
/** Queries of a page that asks for several things at the same time. Each finds out in its own way who asks. */
const QUERIES = ["{ me { username } }", "{ whoami { username } }", "{ again: whoami { username } }"];

/**
 * The same story for each client. `ask` sends those queries at the same time and gives the name that each found,
 * null for an anonymous user.
 */
async function story(name, { site, session, signUp, logIn, logOut, ask }) {
  await signUp(ANN);
  await site.confirm(email);
  await logIn({ ...ANN, password: "wrong" }).then(
    () => assert.fail("a wrong password logs in"),
    (error) => assert.match(JSON.stringify(error.codes ?? error.response.data), /invalid_credentials/),
  );
  await logIn(ANN);
  assert.deepEqual(new Set(await ask()), new Set([username]), "logged in");

  await site.outlive();
  let [names, refreshes] = await site.counting(ask);
  assert.deepEqual(new Set(names), new Set([username]), "the token expired and was replaced");
  assert.equal(refreshes, 1, "one refresh for requests at the same time, by the time of expiry");

  session.tokens.until = Infinity;
  await site.outlive();
  [names, refreshes] = await site.counting(ask);
  assert.deepEqual(new Set(names), new Set([username]), "a token that the server refuses is replaced");
  assert.equal(refreshes, 1, "one refresh for requests at the same time, by the error");

  const { refresh } = session.tokens;
  await logOut();
  assert.deepEqual(new Set(await ask()), new Set([null]), "logged out");
  const answer = await fetch(`${site.url}/api/accounts/token/refresh/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refresh }),
  });
  assert.equal(answer.status, 401, "and the session has ended");

  await logIn(ANN);
  session.tokens.refresh = "not a token";
  await site.outlive();
  assert.deepEqual(new Set(await ask()), new Set([null]), "a session that cannot be refreshed is over");
  assert.equal(session.tokens, null);
  console.log(`${name}: signs up, logs in, refreshes once, logs out`);
}

/** Runs what needs a site of its own. */
async function on(settings, act) {
  const site = await Site.start(latchkey, settings);
  await act(site);
  site.stop();
}

const nameIn = (data) => Object.values(data ?? {})[0]?.username ?? null;

/** With the session of examples/session.js, which has these by the same names. */
const of = (site, session, more) => ({
  site,
  session,
  signUp: (account) => session.signUp(account),
  logIn: ({ username, password }) => session.logIn({ username, password }),
  logOut: () => session.logOut(),
  ...more,
});

await on({}, async (site) => {
  const session = new Session(site.url);
  const all = () => Promise.all(QUERIES.map(async (query) => nameIn((await session.ask(query)).data)));
  await story("fetch", of(site, session, { ask: all }));

  await assert.rejects(session.signUp(ANN), (error) => {
    assert(error instanceof Refused);
    assert.deepEqual(error.errors.username.map(({ code }) => code), ["unique"]);
    return true;
  });

  // A device whose clock is a day off, either way.
  const { now } = Date;
  for (const off of [-86_400_000, 86_400_000]) {
    Date.now = () => now() + off;
    await session.logIn({ email, password });
    const [names, refreshes] = await site.counting(all);
    assert.deepEqual([new Set(names), refreshes], [new Set([username]), 0]);
  }
  Date.now = now;
  console.log("fetch: does not mind what the clock says");
});

await on({}, async (site) => {
  const { client, session, logOut } = apollo.connect(site.url);
  const ask = () =>
    Promise.all(
      QUERIES.map(async (query) => {
        const options = { query: gql(query), fetchPolicy: "network-only", errorPolicy: "all" };
        return nameIn((await client.query(options)).data);
      }),
    );
  await story("Apollo Client", of(site, session, { ask, logOut }));
});

await on({}, async (site) => {
  const app = urql.connect(site.url);
  // It does not see `me: null`: those that say so by an error.
  const queries = QUERIES.filter((query) => query.includes("whoami"));
  const ask = () =>
    Promise.all(
      queries.map(async (query) => {
        const options = { requestPolicy: "network-only" };
        return nameIn((await app.client.query(query, {}, options).toPromise()).data);
      }),
    );
  await story("urql", of(site, app.session, { ask, logOut: () => app.logOut() }));
});

await on({}, async (site) => {
  const app = rest.connect(site.url);
  const asUser = async () => {
    try {
      return (await app.api.get("/me/")).data.username;
    } catch (error) {
      if (error.response?.status !== 401) throw error;
      return null;
    }
  };
  await story("axios", {
    site,
    session: app.session,
    signUp: ({ email, password }) => app.signUp({ email, username, password }),
    logIn: ({ email, password }) => app.logIn({ email, password }),
    logOut: () => app.logOut(),
    ask: () => Promise.all([asUser(), asUser(), asUser()]),
  });
});

await on({ ACCESS_TOKEN_LIFETIME: "60" }, async (site) => {
  const session = new Session(site.url);
  await session.signUp(ANN);
  const { access } = session.tokens;
  await assert.rejects(session.refresh(access), ({ codes }) => codes.includes("not_verified"));
  assert.equal(session.tokens.access, access, "a user who must verify the address keeps the tokens");
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==",
    "base64",
  );
  const shown = await fetch(await upload(session, new Blob([png], { type: "image/png" })));
  assert.equal(shown.headers.get("content-type"), "image/png");
  await assert.rejects(upload(session, new Blob(["no picture"])), ({ code, fields }) => {
    assert.equal(code, "invalid");
    assert.match(JSON.stringify(fields), /picture_invalid/);
    return true;
  });
  const large = new Blob([new Uint8Array(2 * 1024 * 1024 + 1)]);
  await assert.rejects(upload(session, large), { code: "picture_too_large" });
  // A client that does not look at the size is answered, and not cut off while it sends.
  for (const megabytes of [3, 8]) {
    const form = new FormData();
    form.append("operations", "{}");
    form.append("0", new Blob([new Uint8Array(megabytes * 1024 * 1024)]), "picture");
    const headers = { authorization: `JWT ${await session.token()}` };
    const answer = await fetch(session.endpoint, { method: "POST", headers, body: form });
    assert.equal(answer.status, 413);
    assert.equal((await answer.json()).errors[0].extensions.code, "too_large");
  }
  console.log("upload: a picture, what is none, and what is too large");
});
