import * as passwordless from "./passwordless.operations.js";
import { PasswordSetDocument, TokenAuthDocument } from "./plain.operations.js";
import { type Client, done, type Site } from "./site.js";

const PASSWORD = "kdjf84jfKKd";

/** An account whose password is set by mail. */
export async function story(site: Site, client: Client, step: (sentence: string) => void) {
  const variables = { email: "ann@example.com", username: "ann" };
  done((await client.ask(passwordless.RegisterDocument, variables)).register);
  await site.mailedToken("ann@example.com", "activate");
  step("ann registers without a password");

  const { passwordSet } = await client.ask(PasswordSetDocument, {
    token: await site.mailedToken("ann@example.com", "password-set"),
    newPassword1: PASSWORD,
    newPassword2: PASSWORD,
  });
  done(passwordSet);
  const logIn = { username: "ann", password: PASSWORD };
  done((await client.ask(TokenAuthDocument, logIn)).tokenAuth);
  step("ann sets the password, and logs in");
}
