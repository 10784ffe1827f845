// better-auth with e-mail and password, on SQLite. `MIGRATE=1` makes the tables and ends.
import http from "node:http";
import Database from "better-sqlite3";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";

const port = Number(process.env.PORT);
const database = new Database(process.env.DATABASE);
// A committed write survives the end of the process, as with Latchkey's embedded table.
database.pragma("journal_mode = WAL");
database.pragma("synchronous = NORMAL");

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: "only for measurements on this machine",
  database,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});

if (process.env.MIGRATE) {
  await (await getMigrations(auth.options)).runMigrations();
} else {
  http.createServer(toNodeHandler(auth)).listen(port, "127.0.0.1");
}
