import assert from "node:assert/strict";

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";

import * as relay from "./relay.operations.js";
import type { Errors } from "./scalars.js";
import { type Client, done, given, refused, type Site } from "./site.js";

const PASSWORD = "kdjf84jfKKd";
const PASSWORDS = { newPassword1: PASSWORD, newPassword2: PASSWORD };
const SECOND = "ann@second.example";

interface Answer {
  success: boolean | null;
  errors: Errors | null;
  clientMutationId: string | null;
}

/** Every mutation in Relay's form. */
export async function story(site: Site, client: Client, step: (sentence: string) => void) {
  let calls = 0;
  /** Asks with a name for the request, which must come back. */
  async function mutate<Field extends string, A extends Answer, Input extends object>(
    document: TypedDocumentNode<Record<Field, A | null>, { input: Input }>,
    field: Field,
    input: NoInfer<Input>,
  ): Promise<A> {
    const clientMutationId = `request ${++calls}`;
    const result = await client.ask(document, { input: { ...input, clientMutationId } });
    const answer: A | null = result[field];
    assert(answer);
    assert.equal(answer.clientMutationId, clientMutationId);
    return answer;
  }
  const me = async () => (await client.ask(relay.MeDocument, {})).me;
  const logIn = async () => {
    const input = { username: "ann", password: PASSWORD };
    const answer = done(await mutate(relay.TokenAuthDocument, "tokenAuth", input));
    client.token = given(answer.token);
    return answer;
  };
  const password = { password: PASSWORD };

  const account = { email: "ann@example.com", username: "ann", password1: PASSWORD };
  const mismatch = { ...account, password2: "another1234" };
  assert.deepEqual(refused(await mutate(relay.RegisterDocument, "register", mismatch)), {
    password2: ["password_mismatch"],
  });
  const right = { ...account, password2: PASSWORD };
  const registered = done(await mutate(relay.RegisterDocument, "register", right));
  assert.equal(registered.__typename, "RegisterPayload");
  assert(registered.token && registered.refreshToken);
  step("ann registers");

  const email = { email: "ann@example.com" };
  done(await mutate(relay.ResendActivationEmailDocument, "resendActivationEmail", email));
  const activation = { token: await site.mailedToken("ann@example.com", "activate") };
  await site.mailedToken("ann@example.com", "activate");
  done(await mutate(relay.VerifyAccountDocument, "verifyAccount", activation));
  step("ann verifies the account");

  const loggedIn = await logIn();
  const { refreshToken } = loggedIn;
  assert.equal(loggedIn.user?.verified, true);
  const access = { token: given(loggedIn.token) };
  const { payload } = done(await mutate(relay.VerifyTokenDocument, "verifyToken", access));
  assert.equal(payload?.username, "ann");
  const old = { refreshToken: given(refreshToken) };
  const refreshed = done(await mutate(relay.RefreshTokenDocument, "refreshToken", old));
  client.token = given(refreshed.token);
  step("ann logs in");

  done(await mutate(relay.UpdateAccountDocument, "updateAccount", { firstName: "Ann" }));
  const ann = given(await me());
  assert.equal(ann.firstName, "Ann");
  assert.equal((await client.ask(relay.UserDocument, { id: ann.id })).user?.username, "ann");
  const { users } = await client.ask(relay.UsersDocument, { first: 1 });
  assert.equal(users?.edges[0]?.node?.firstName, "Ann");
  step("ann has a name");

  const change = { oldPassword: PASSWORD, ...PASSWORDS };
  const changed = done(await mutate(relay.PasswordChangeDocument, "passwordChange", change));
  client.token = given(changed.token);
  done(await mutate(relay.SendPasswordResetEmailDocument, "sendPasswordResetEmail", email));
  const reset = await site.mailedToken("ann@example.com", "password-reset");
  const byMail = { token: reset, ...PASSWORDS };
  done(await mutate(relay.PasswordResetDocument, "passwordReset", byMail));
  const again = await mutate(relay.PasswordSetDocument, "passwordSet", byMail);
  assert.deepEqual(refused(again), { nonFieldErrors: ["invalid_token"] });
  step("ann changes the password, and resets it by mail");

  await logIn();
  const second = { email: SECOND, ...password };
  const send = relay.SendSecondaryEmailActivationDocument;
  done(await mutate(send, "sendSecondaryEmailActivation", second));
  const proof = { token: await site.mailedToken(SECOND, "activate") };
  done(await mutate(relay.VerifySecondaryEmailDocument, "verifySecondaryEmail", proof));
  done(await mutate(relay.SwapEmailsDocument, "swapEmails", password));
  assert.equal((await me())?.email, SECOND);
  done(await mutate(relay.RemoveSecondaryEmailDocument, "removeSecondaryEmail", password));
  assert.equal((await me())?.secondaryEmail, null);
  step("ann's second address becomes the only one");

  done(await mutate(relay.ArchiveAccountDocument, "archiveAccount", password));
  const back = await logIn();
  assert.equal(back.unarchiving, true);
  const session = { refreshToken: given(back.refreshToken) };
  done(await mutate(relay.RevokeTokenDocument, "revokeToken", session));
  assert.equal(await me(), null);
  step("ann archives the account, comes back, and ends the session");

  await logIn();
  done(await mutate(relay.DeleteAccountDocument, "deleteAccount", password));
  assert.equal(await me(), null);
  step("ann deletes the account");
}
