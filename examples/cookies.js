// A session whose tokens no script can read: they are in cookies (TOKENS_IN_COOKIES=true). fetch alone.
//
// The page must be of the same site as the API (app.example.com and accounts.example.com, or two ports of
// localhost), for other sites' pages send no cookies along; and its origin must be one that may call the API.

const REGISTER = `mutation ($email: String!, $username: String!, $password: String!) {
  register(email: $email, username: $username, password1: $password, password2: $password) { success errors }
}`;
const LOG_IN = `mutation ($email: String, $username: String, $password: String!) {
  tokenAuth(email: $email, username: $username, password: $password) { success errors payload }
}`;
// Without the token as an argument: the cookie has it.
const REFRESH = `mutation { refreshAccessToken { payload } }`;
const LOG_OUT = `mutation { logout { success errors } }`;

export function isAnonymous({ data, errors }) {
  return (
    data?.me === null ||
    (errors ?? []).some((error) => error.extensions?.code === "unauthenticated") ||
    Object.values(data ?? {}).some((field) =>
      field?.errors?.nonFieldErrors?.some(({ code }) => code === "unauthenticated"),
    )
  );
}

export class CookieSession {
  /** How long an access token lives, in milliseconds, and when this page's one has to be replaced. */
  #lifetime = Infinity;
  until = Infinity;
  #refreshing = null;

  constructor(url) {
    this.endpoint = `${url}/graphql`;
  }

  /** Signs up with `{ email, username, password }`. Returns `{ success, errors }`, as `logIn` and `logOut` do. */
  async signUp(account) {
    return (await this.#post(REGISTER, account)).data.register;
  }

  /** With the password and one of username and e-mail address. */
  async logIn(credentials) {
    const answer = (await this.#post(LOG_IN, credentials)).data.tokenAuth;
    if (answer.success) {
      this.#lifetime = (answer.payload.exp - answer.payload.origIat) * 1000;
      this.#count();
    }
    return answer;
  }

  async logOut() {
    const { data } = await this.ask(LOG_OUT);
    this.until = Infinity;
    return data.logout;
  }

  /** Sends a document as the user. */
  async ask(document, variables) {
    if (Date.now() >= this.until) await this.refresh();
    const answer = await this.#post(document, variables);
    // The first request after a reload, too: only the server knows whether there is a session.
    if (!isAnonymous(answer) || !(await this.refresh())) return answer;
    return this.#post(document, variables);
  }

  /** Whether there is another access token now. Callers at the same time share one request. */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refresh() {
    const { data } = await this.#post(REFRESH);
    const isDone = Boolean(data?.refreshAccessToken?.payload);
    if (isDone) this.#count();
    else this.until = Infinity;
    return isDone;
  }

  #count() {
    this.until = Date.now() + this.#lifetime * 0.9;
  }

  async #post(query, variables) {
    const response = await fetch(this.endpoint, {
      method: "POST",
      credentials: "include",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  }
}
