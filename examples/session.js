// A user's session in a browser, with the tokens in this page: fetch alone, no library.
//
//   const session = new Session("https://accounts.example.com");
//   await session.logIn({ username: "ann", password: "…" });
//   await session.ask("{ me { username email } }");

const REGISTER = `mutation ($email: String!, $username: String!, $password: String!) {
  register(email: $email, username: $username, password1: $password, password2: $password) {
    success errors token refreshToken
  }
}`;
const LOG_IN = `mutation ($email: String, $username: String, $password: String!) {
  tokenAuth(email: $email, username: $username, password: $password) { success errors token refreshToken }
}`;
const REFRESH = `mutation ($token: String!) {
  refreshToken(refreshToken: $token) { success errors token refreshToken }
}`;
const REVOKE = `mutation ($token: String!) { revokeToken(refreshToken: $token) { success errors } }`;

/** A mutation did nothing. `errors` has, for each input or for `nonFieldErrors`, a list of { message, code }. */
export class Refused extends Error {
  constructor(errors) {
    super(Object.values(errors).flat()[0].message);
    this.errors = errors;
  }

  get codes() {
    return Object.values(this.errors).flat().map(({ code }) => code);
  }
}

/** Whether the answer shows that the server saw no logged-in user. */
export function isAnonymous({ data, errors }) {
  return (
    data?.me === null ||
    (errors ?? []).some((error) => error.extensions?.code === "unauthenticated") ||
    Object.values(data ?? {}).some((field) =>
      field?.errors?.nonFieldErrors?.some(({ code }) => code === "unauthenticated"),
    )
  );
}

export class Session {
  /** { access, refresh, until } while the user is logged in. `localStorage` would keep them over a reload. */
  tokens = null;
  #refreshing = null;

  constructor(url) {
    this.endpoint = `${url}/graphql`;
  }

  /** Signs up with `{ email, username, password }`. */
  async signUp(account) {
    this.#keep(done(await this.#post(REGISTER, account)));
  }

  /** With the password and one of username and e-mail address. */
  async logIn(credentials) {
    this.#keep(done(await this.#post(LOG_IN, credentials)));
  }

  /** Forgets the tokens first: the user is logged out of this page even if the server does not answer. */
  async logOut() {
    const tokens = this.tokens;
    this.tokens = null;
    if (tokens) await this.#post(REVOKE, { token: tokens.refresh });
  }

  /** Sends a document as the user. */
  async ask(document, variables) {
    const token = await this.token();
    const answer = await this.#post(document, variables, token);
    // The server refused a token that had not expired by our clock. A new token may work: get one, once.
    if (!token || !isAnonymous(answer)) return answer;
    const other = await this.refresh(token);
    return other ? this.#post(document, variables, other) : answer;
  }

  /** An access token that has not expired; null if the user is not logged in. */
  async token() {
    if (this.tokens && Date.now() >= this.tokens.until) await this.refresh(this.tokens.access);
    return this.tokens?.access ?? null;
  }

  /** Replaces that access token; null if the session has ended. Callers at the same time share one request. */
  async refresh(stale) {
    if (this.tokens?.access === stale) {
      this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
      await this.#refreshing;
    }
    return this.tokens?.access ?? null;
  }

  async #refresh() {
    const before = this.tokens;
    // Throws when the server cannot be reached: then the tokens are kept, and the next call tries again.
    const { data, errors } = await this.#post(REFRESH, { token: before.refresh });
    const answer = data?.refreshToken;
    if (this.tokens !== before) return; // The user has logged out meanwhile.
    if (!answer) throw new Error(errors?.[0]?.message ?? "no answer");
    if (answer.success) return this.#keep(answer);
    const refused = new Refused(answer.errors);
    // The session goes on as soon as the user has verified the address.
    if (refused.codes.includes("not_verified")) throw refused;
    this.tokens = null;
  }

  #keep({ token, refreshToken }) {
    if (!token) return; // The site gives out none at sign-up.
    const { iat, exp } = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    // Counts from now on, because this machine's clock may show a wrong time. The last tenth is a reserve.
    this.tokens = { access: token, refresh: refreshToken, until: Date.now() + (exp - iat) * 900 };
  }

  async #post(query, variables, token) {
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token ? { authorization: `JWT ${token}` } : {}),
      },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  }
}

/** What the one mutation of a document answered. */
function done({ data, errors }) {
  // Not refused but failed: no answer of the database, a document that cannot be executed.
  if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code });
  const [answer] = Object.values(data);
  if (!answer.success) throw new Refused(answer.errors);
  return answer;
}
