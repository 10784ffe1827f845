// Apollo Client 4: a link that adds the access token, and replaces it when it has expired.

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { from, of, switchMap } from "rxjs";

import { isAnonymous, Session } from "./session.js";

export function connect(url) {
  const session = new Session(url);
  const authenticate = new ApolloLink((operation, forward) => {
    const send = (token) => {
      operation.setContext(({ headers }) => ({
        headers: { ...headers, ...(token ? { authorization: `JWT ${token}` } : {}) },
      }));
      return forward(operation);
    };
    const sendAgain = (token, result) =>
      from(session.refresh(token)).pipe(switchMap((other) => (other ? send(other) : of(result))));
    return from(session.token()).pipe(
      switchMap((token) =>
        send(token).pipe(
          switchMap((result) => (token && isAnonymous(result) ? sendAgain(token, result) : of(result))),
        ),
      ),
    );
  });
  const client = new ApolloClient({
    link: ApolloLink.from([authenticate, new HttpLink({ uri: session.endpoint })]),
    cache: new InMemoryCache(),
  });
  const logOut = async () => {
    await session.logOut();
    // The cache has data of the user who has logged out.
    await client.clearStore();
  };
  return { client, session, logOut };
}
