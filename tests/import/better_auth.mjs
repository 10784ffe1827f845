// Signs people up at a real better-auth, with its username and admin plugins, on SQLite: better_auth.mjs DATABASE

import { LibsqlDialect } from "@libsql/kysely-libsql";
import { betterAuth } from "better-auth";
import { admin, username } from "better-auth/plugins";
import { getMigrations } from "better-auth/db/migration";

const database = { dialect: new LibsqlDialect({ url: `file:${process.argv[2]}` }), type: "sqlite" };
const options = {
    database,
    secret: "only for these exports, never for a site",
    baseURL: "http://localhost:3000",
    emailAndPassword: { enabled: true },
    plugins: [username(), admin()],
    telemetry: { enabled: false },
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
const auth = betterAuth(options);
const context = await auth.$context;

async function signUp(name, fields = {}, password = `${name} kdjf84jfKKd`) {
    const email = `${name}@example.com`;
    const { user } = await auth.api.signUpEmail({ body: { email, password, name: `${name} Lee`, username: name } });
    await context.internalAdapter.updateUser(user.id, { createdAt: new Date("2025-02-03T04:05:06.789Z"), ...fields });
    return user.id;
}

await signUp("ann");
await signUp("verified", { emailVerified: true });
await signUp("admin", { role: "admin", emailVerified: true });
await signUp("banned", { banned: true, banReason: "spam" });
await signUp("lapsed", { banned: true, banReason: "rude", banExpires: new Date("2026-01-01T00:00:00Z") });
// The password as a keyboard writes it; the library hashes its NFKC form.
await signUp("composed", {}, "ｃａｆｅ\u0301 kdjf84jfKKd");
// A user who came from another site has an account without a password.
const social = await context.internalAdapter.createUser({
    email: "social@example.com", name: "Social", emailVerified: true, createdAt: new Date("2025-02-03T04:05:06.789Z"),
});
await context.internalAdapter.createAccount({ userId: social.id, providerId: "github", accountId: "1" });
process.exit(0);
