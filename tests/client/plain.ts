import assert from "node:assert/strict";

import * as plain from "./plain.operations.js";
import { type Client, done, given, refused, type Site } from "./site.js";

const PASSWORD = "kdjf84jfKKd";
const SECOND = "ann@second.example";

/** An account's life, from registration to deletion. */
export async function story(site: Site, client: Client, step: (sentence: string) => void) {
  const me = async () => (await client.ask(plain.MeDocument, {})).me;
  const register = async (username: string, password2 = PASSWORD) => {
    const email = `${username}@example.com`;
    const variables = { email, username, password1: PASSWORD, password2 };
    return (await client.ask(plain.RegisterDocument, variables)).register;
  };
  const tokenAuth = async (variables: plain.TokenAuthMutationVariables) =>
    (await client.ask(plain.TokenAuthDocument, variables)).tokenAuth;
  const logIn = async (password: string) => {
    const answer = done(await tokenAuth({ email: "ann@example.com", password }));
    client.token = given(answer.token);
    return answer;
  };
  // The generated types are not `any`.
  // @ts-expect-error: an argument is missing
  const _missing: plain.RegisterMutationVariables = { email: "ann@example.com", username: "ann" };
  // @ts-expect-error: there is no such field
  const _unknown = (user: plain.UserFragment) => user.phone;

  assert.equal(await me(), null);
  step("nobody is logged in");

  const mismatch = await register("ann", "another1234");
  assert.deepEqual(refused(mismatch), { password2: ["password_mismatch"] });
  assert.equal(mismatch?.token, null);
  step("a registration with two passwords is refused");

  const registered = done(await register("ann"));
  assert.equal(registered.__typename, "Register");
  assert(registered.token && registered.refreshToken);
  const first = await site.mailedToken("ann@example.com", "activate");
  step("ann registers, and gets a mail");

  const { resendActivationEmail } = await client.ask(plain.ResendActivationEmailDocument, {
    email: "ann@example.com",
  });
  done(resendActivationEmail);
  await site.mailedToken("ann@example.com", "activate");
  step("ann gets another mail");

  const verify = async (token: string) =>
    (await client.ask(plain.VerifyAccountDocument, { token })).verifyAccount;
  assert.deepEqual(refused(await verify("x")), { nonFieldErrors: ["invalid_token"] });
  const verified = { __typename: "VerifyAccount", success: true, errors: null };
  assert.deepEqual(await verify(first), verified);
  assert.deepEqual(refused(await verify(first)), { nonFieldErrors: ["already_verified"] });
  step("ann verifies the account, once");

  const wrong = await tokenAuth({ username: "ann", password: "wrong", email: null });
  assert.deepEqual(refused(wrong), { nonFieldErrors: ["invalid_credentials"] });
  assert.equal(wrong?.user, null);
  const loggedIn = await logIn(PASSWORD);
  assert.equal(loggedIn.unarchiving, false);
  assert.equal(loggedIn.user?.username, "ann");
  step("ann logs in");

  const { verifyToken } = await client.ask(plain.VerifyTokenDocument, {
    token: given(loggedIn.token),
  });
  const payload = given(done(verifyToken).payload);
  assert.equal(payload.username, "ann");
  assert(payload.exp > payload.origIat);
  step("ann's token is good");

  const ann = given(await me());
  assert.equal(atob(ann.id), `UserNode:${ann.pk}`);
  assert(Date.now() - Date.parse(ann.dateJoined) < 60_000, ann.dateJoined);
  const { id: _id, pk: _pk, dateJoined: _dateJoined, ...rest } = ann;
  assert.deepEqual(rest, {
    __typename: "UserNode",
    // The library does not set it either.
    lastLogin: null,
    username: "ann",
    firstName: "",
    lastName: "",
    isStaff: false,
    isActive: true,
    email: "ann@example.com",
    archived: false,
    verified: true,
    secondaryEmail: null,
  });
  step("ann is who she is");

  const update = async (variables: plain.UpdateAccountMutationVariables) =>
    done((await client.ask(plain.UpdateAccountDocument, variables)).updateAccount);
  await update({ firstName: "Ann" });
  await update({ lastName: "Lee" });
  const { firstName, lastName } = given(await me());
  assert.deepEqual({ firstName, lastName }, { firstName: "Ann", lastName: "Lee" });
  step("ann has a name");

  done(await register("bob"));
  done(await register("cat"));
  await users(client, ann);
  step("users come by pages and filters");

  const refreshToken = given(loggedIn.refreshToken);
  const refresh = async () =>
    (await client.ask(plain.RefreshTokenDocument, { refreshToken })).refreshToken;
  const refreshed = done(await refresh());
  assert.notEqual(refreshed.refreshToken, refreshToken);
  assert.equal(refreshed.payload?.username, "ann");
  client.token = given(refreshed.token);
  assert.equal((await me())?.username, "ann");
  step("ann's tokens are refreshed");

  const change = async (oldPassword: string, password: string) => {
    const passwords = { newPassword1: password, newPassword2: password };
    const variables = { oldPassword, ...passwords };
    return (await client.ask(plain.PasswordChangeDocument, variables)).passwordChange;
  };
  assert.deepEqual(refused(await change("wrong", "zmxn73hhQQp")), {
    oldPassword: ["invalid_password"],
  });
  assert.deepEqual(refused(await change(PASSWORD, "123")), {
    newPassword2: ["password_too_short", "password_too_common", "password_entirely_numeric"],
  });
  const changed = done(await change(PASSWORD, "zmxn73hhQQp"));
  assert.equal(await me(), null, "the session before has ended");
  client.token = given(changed.token);
  assert.equal((await me())?.username, "ann");
  step("ann changes the password");

  const { sendPasswordResetEmail } = await client.ask(plain.SendPasswordResetEmailDocument, {
    email: "ann@example.com",
  });
  done(sendPasswordResetEmail);
  const reset = {
    token: await site.mailedToken("ann@example.com", "password-reset"),
    newPassword1: PASSWORD,
    newPassword2: PASSWORD,
  };
  const { passwordReset } = await client.ask(plain.PasswordResetDocument, reset);
  done(passwordReset);
  const { passwordSet } = await client.ask(plain.PasswordSetDocument, reset);
  assert.deepEqual(refused(passwordSet), { nonFieldErrors: ["invalid_token"] });
  assert.equal(await me(), null, "the session before has ended");
  await logIn(PASSWORD);
  step("ann resets the password by mail, which sets no first one");

  const { sendSecondaryEmailActivation } = await client.ask(
    plain.SendSecondaryEmailActivationDocument,
    { email: SECOND, password: PASSWORD },
  );
  done(sendSecondaryEmailActivation);
  const { verifySecondaryEmail } = await client.ask(plain.VerifySecondaryEmailDocument, {
    token: await site.mailedToken(SECOND, "activate"),
  });
  done(verifySecondaryEmail);
  assert.equal((await me())?.secondaryEmail, SECOND);
  const bySecond = await client.ask(plain.UsersDocument, { status_SecondaryEmail: SECOND });
  assert.equal(bySecond.users?.edges[0]?.node?.username, "ann");
  step("ann has a second address");

  done((await client.ask(plain.SwapEmailsDocument, { password: PASSWORD })).swapEmails);
  const swapped = given(await me());
  assert.deepEqual([swapped.email, swapped.secondaryEmail], [SECOND, "ann@example.com"]);
  done((await client.ask(plain.SwapEmailsDocument, { password: PASSWORD })).swapEmails);
  step("ann swaps the addresses, and back");

  const removeSecondary = async () =>
    (await client.ask(plain.RemoveSecondaryEmailDocument, { password: PASSWORD }))
      .removeSecondaryEmail;
  done(await removeSecondary());
  assert.equal((await me())?.secondaryEmail, null);
  assert.deepEqual(refused(await removeSecondary()), {
    nonFieldErrors: ["secondary_email_required"],
  });
  step("ann gives the second address up");

  done((await client.ask(plain.ArchiveAccountDocument, { password: PASSWORD })).archiveAccount);
  assert.equal(await me(), null);
  const archived = await client.ask(plain.UsersDocument, { status_Archived: true });
  assert.equal(archived.users?.edges[0]?.node?.username, "ann");
  const back = await logIn(PASSWORD);
  assert.equal(back.unarchiving, true);
  assert.equal(back.user?.archived, false);
  step("ann archives the account, and takes it out by logging in");

  const revoke = await client.ask(plain.RevokeTokenDocument, {
    refreshToken: given(back.refreshToken),
  });
  const age = Date.now() / 1000 - given(done(revoke.revokeToken).revoked);
  assert(age > -5 && age < 60, `${age}`);
  assert.equal(await me(), null);
  const over = await client.ask(plain.RefreshTokenDocument, {
    refreshToken: given(back.refreshToken),
  });
  assert.deepEqual(refused(over.refreshToken), { nonFieldErrors: ["invalid_token"] });
  step("ann's session is revoked");

  const remove = async () =>
    (await client.ask(plain.DeleteAccountDocument, { password: PASSWORD })).deleteAccount;
  assert.deepEqual(refused(await remove()), { nonFieldErrors: ["unauthenticated"] });
  await logIn(PASSWORD);
  done(await remove());
  assert.equal(await me(), null);
  const gone = await tokenAuth({ username: "ann", password: PASSWORD });
  assert.deepEqual(refused(gone), { nonFieldErrors: ["invalid_credentials"] });
  step("ann deletes the account");
}

/** Ann, bob and cat, who signed up in this order; only ann is verified. */
async function users(client: Client, ann: plain.UserFragment) {
  const page = async (variables: plain.UsersQueryVariables) => {
    const { edges, pageInfo } = given((await client.ask(plain.UsersDocument, variables)).users);
    const names = edges.map((edge) => given(edge?.node).username);
    assert.equal(pageInfo.startCursor, edges[0]?.cursor ?? null);
    assert.equal(pageInfo.endCursor, edges.at(-1)?.cursor ?? null);
    return { names, ...pageInfo };
  };
  const names = async (variables: plain.UsersQueryVariables) => (await page(variables)).names;

  const two = await page({ first: 2 });
  assert.deepEqual(two.names, ["ann", "bob"]);
  assert.deepEqual([two.hasNextPage, two.hasPreviousPage], [true, false]);
  const last = await page({ first: 2, after: given(two.endCursor) });
  assert.deepEqual(last.names, ["cat"]);
  assert.equal(last.hasNextPage, false);
  const before = await page({ last: 1, before: given(last.startCursor) });
  assert.deepEqual(before.names, ["bob"]);
  assert.equal(before.hasPreviousPage, true);

  const all = ["ann", "bob", "cat"];
  const cases: [plain.UsersQueryVariables, string[]][] = [
    [{}, all],
    [{ email: null, first: null, isActive: null, status_Verified: null }, all],
    [{ offset: 1 }, ["bob", "cat"]],
    [{ email: "bob@example.com" }, ["bob"]],
    [{ username: "cat" }, ["cat"]],
    [{ username_Icontains: "A" }, ["ann", "cat"]],
    [{ username_Istartswith: "B" }, ["bob"]],
    [{ isActive: false }, []],
    [{ status_Archived: false }, all],
    [{ status_Verified: true }, ["ann"]],
    [{ status_SecondaryEmail: SECOND }, []],
    [{ username_Icontains: "a", status_Verified: false, first: 1 }, ["cat"]],
  ];
  for (const [variables, expected] of cases) {
    assert.deepEqual(await names(variables), expected, JSON.stringify(variables));
  }

  assert.deepEqual((await client.ask(plain.UserDocument, { id: ann.id })).user?.pk, ann.pk);
}
