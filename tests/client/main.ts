// Calls a running Latchkey with the clients that were generated. The argument is the root of the repository.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import {
  buildClientSchema,
  buildSchema,
  type DocumentNode,
  getIntrospectionQuery,
  type IntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
} from "graphql";

import * as passwordless from "./passwordless.js";
import * as passwordlessOperations from "./passwordless.operations.js";
import * as plain from "./plain.js";
import * as plainOperations from "./plain.operations.js";
import * as relay from "./relay.js";
import * as relayOperations from "./relay.operations.js";
import { Client, Site } from "./site.js";

const root = process.argv[2] ?? ".";
const latchkey = join(root, "target", "debug", "latchkey");
// As in the library, where nothing is set.
const settings = { USERS_QUERY: "public", ALLOW_LOGIN_NOT_VERIFIED: "true" };

/** Runs a story on a site of its own, which must call all operations; tells how many there are. */
async function run(
  form: string,
  { story }: typeof plain,
  generated: object,
  path: string,
  more: Record<string, string> = {},
): Promise<number> {
  const site = await Site.start(latchkey, { ...settings, ...more });
  const client = new Client(site.url + path);
  await story(site, client, (sentence) => console.log(`${form}: ${sentence}`));
  const names = (Object.values(generated) as DocumentNode[])
    .flatMap(({ definitions }) => definitions)
    .flatMap((definition) => (definition.kind === "OperationDefinition" ? [definition] : []))
    .map((operation) => operation.name?.value ?? "");
  assert.deepEqual(names.filter((name) => !client.called.has(name)), [], `${form}: never called`);
  site.stop();
  return names.length;
}

/** A generator that asks the running server reads what is in the file. */
async function introspect(path: string, file: string) {
  const site = await Site.start(latchkey, {});
  const response = await fetch(site.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: getIntrospectionQuery() }),
  });
  const { data } = (await response.json()) as { data: IntrospectionQuery };
  const told = printSchema(lexicographicSortSchema(buildClientSchema(data)));
  const written = buildSchema(readFileSync(join(root, file), "utf8"));
  assert.equal(told, printSchema(lexicographicSortSchema(written)));
  site.stop();
  console.log(`the schema of ${path} is ${file}`);
}

await introspect("/graphql", "schema.graphql");
await introspect("/graphql/relay", "schema.relay.graphql");
const without = { ALLOW_PASSWORDLESS_REGISTRATION: "true" };
const counts = [
  await run("plain", plain, plainOperations, "/graphql"),
  await run("relay", relay, relayOperations, "/graphql/relay"),
  await run("passwordless", passwordless, passwordlessOperations, "/graphql", without),
];
console.log(`${counts.reduce((sum, count) => sum + count)} operations`);
