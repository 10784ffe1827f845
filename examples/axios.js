// The REST API with axios, as front ends of Django REST framework with SimpleJWT call it.

import axios from "axios";

export function connect(url) {
  const api = axios.create({ baseURL: `${url}/api/accounts` });
  // Has no interceptors, so that a refresh does not wait for itself.
  const bare = axios.create({ baseURL: `${url}/api/accounts` });
  const session = { tokens: null };
  let refreshing = null;

  const keep = ({ access, refresh }) => {
    const { iat, exp } = JSON.parse(atob(access.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    // By this machine's clock, from now on, with a tenth to spare.
    session.tokens = { access, refresh, until: Date.now() + (exp - iat) * 900 };
  };

  /** Replaces that access token. Requests that need another one at the same time share this. */
  const refresh = async (stale) => {
    if (session.tokens?.access === stale) {
      refreshing ??= replace(session.tokens).finally(() => (refreshing = null));
      await refreshing;
    }
    return session.tokens?.access;
  };

  const replace = async (before) => {
    // A failure other than 401 (no network, 503) may be temporary: then this throws, and the tokens are kept.
    const validateStatus = (status) => status === 200 || status === 401;
    const { status, data } = await bare.post("/token/refresh/", { refresh: before.refresh }, { validateStatus });
    if (session.tokens !== before) return; // The user has logged out meanwhile.
    if (status === 200) keep(data);
    else session.tokens = null; // The session has ended.
  };

  /** An access token that has not expired; nothing if the user is not logged in. */
  const freshToken = async () => {
    const { tokens } = session;
    return tokens && Date.now() >= tokens.until ? refresh(tokens.access) : tokens?.access;
  };

  api.interceptors.request.use(async (config) => {
    const token = await freshToken();
    if (token) config.headers.set("Authorization", `Bearer ${token}`);
    return { ...config, token };
  });

  api.interceptors.response.use(undefined, async (error) => {
    const { config, response } = error;
    // Looks at the status alone: the code in the body is not the same in all APIs.
    if (response?.status !== 401 || !config.token || config.isAgain) throw error;
    if (!(await refresh(config.token))) throw error;
    return api({ ...config, isAgain: true });
  });

  return {
    api,
    session,
    async signUp(account) {
      const { data } = await bare.post("/signup/", account);
      if (data.access) keep(data);
    },
    async logIn(credentials) {
      keep((await bare.post("/login/", credentials)).data);
    },
    async logOut() {
      // A log-out by an access token that has expired would leave the session open.
      await freshToken();
      const { tokens } = session;
      session.tokens = null;
      if (tokens) {
        const headers = { Authorization: `Bearer ${tokens.access}` };
        await bare.post("/logout/", { refresh: tokens.refresh }, { headers });
      }
    },
  };
}
