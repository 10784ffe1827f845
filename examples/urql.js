// urql 6 with its exchange for authentication.

import { cacheExchange, Client, fetchExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";

import { isAnonymous, Session } from "./session.js";

export function connect(url) {
  const session = new Session(url);
  const newClient = () =>
    new Client({
      url: session.endpoint,
      preferGetMethod: false,
      exchanges: [
        cacheExchange,
        authExchange(async ({ appendHeaders }) => {
          let token;
          return {
            addAuthToOperation(operation) {
              token = session.tokens?.access;
              return token ? appendHeaders(operation, { authorization: `JWT ${token}` }) : operation;
            },
            // Before a request: by the time at which the token expires.
            willAuthError: () => session.tokens !== null && Date.now() >= session.tokens.until,
            // After it, for answers with errors only. urql asks nothing about `{"data": {"me": null}}`.
            didAuthError: (error) => isAnonymous({ errors: error.graphQLErrors }),
            refreshAuth: () => session.refresh(session.tokens?.access),
          };
        }),
        fetchExchange,
      ],
    });
  return {
    session,
    client: newClient(),
    async logOut() {
      await session.logOut();
      // urql's cache cannot be emptied: a new client has a new one.
      this.client = newClient();
    },
  };
}
