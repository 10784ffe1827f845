// Generates a typed client from the library's schema and from Latchkey's, and holds one against the other.
// In the folder that `run` made; the argument is the root of the repository.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { codegen } from "@graphql-codegen/core";
import * as typedDocumentNode from "@graphql-codegen/typed-document-node";
import * as typescriptOperations from "@graphql-codegen/typescript-operations";
import {
  buildSchema,
  isObjectType,
  lexicographicSortSchema,
  parse,
  printSchema,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";

const root = process.argv[2];
const read = (path) => readFileSync(join(root, path), "utf8");

const config = {
  scalars: {
    DateTime: "string",
    ExpectedErrorType: "./scalars.js#Errors",
    GenericScalar: "./scalars.js#Payload",
  },
  useTypeImports: true,
  disableDescriptions: true,
};

/** The TypeScript for those documents; fails where they are not valid under the schema. */
async function generate(form, schema) {
  const location = `tests/client/${form}.graphql`;
  return codegen({
    filename: `${form}.operations.ts`,
    // The order of fields means nothing.
    schema: parse(printSchema(lexicographicSortSchema(schema))),
    documents: [{ location, document: parse(read(location)) }],
    config,
    plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
    pluginMap: { typescriptOperations, typedDocumentNode },
  });
}

/** Every field and argument of the schema that the document does not ask for. */
function leftOut(schema, document) {
  const asked = new Set();
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Field: () => void asked.add(`${info.getParentType()}.${info.getFieldDef()?.name}`),
      Argument: (node) =>
        void asked.add(`${info.getParentType()}.${info.getFieldDef()?.name}(${node.name.value})`),
    }),
  );
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  return types
    .filter((type) => !type.name.startsWith("__"))
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
    .flatMap(({ type, field }) => [
      `${type}.${field.name}`,
      ...field.args.map((argument) => `${type}.${field.name}(${argument.name})`),
    ])
    .filter((name) => !asked.has(name));
}

/** Fails at the first line in which the two differ. */
function expectSame(actual, expected, what) {
  const [ours, theirs] = [actual, expected].map((text) => text.split("\n"));
  const at = theirs.findIndex((line, index) => line !== ours[index]);
  assert.equal(ours[at], theirs[at], `${what}, line ${at + 1}`);
  assert.equal(ours.length, theirs.length, what);
}

for (const [form, ours, librarys] of [
  ["plain", "schema.graphql", "tests/recordings/django.graphql"],
  ["relay", "schema.relay.graphql", "tests/recordings/django.relay.graphql"],
]) {
  const [theirs, own] = [librarys, ours].map((path) => buildSchema(read(path)));
  const missing = leftOut(theirs, parse(read(`tests/client/${form}.graphql`)));
  assert.deepEqual(missing, [], `tests/client/${form}.graphql does not ask for all of ${librarys}`);

  const [library, latchkey] = [await generate(form, theirs), await generate(form, own)];
  writeFileSync(`library/${form}.operations.ts`, library);
  writeFileSync(`latchkey/${form}.operations.ts`, latchkey);
  // The two differences, see docs/migrate-from-django.md: ids are opaque, and a reset may name a user who never
  // proved the address.
  const expected = library
    .replaceAll("pk: number | null", "pk: string | null")
    .replace(/(type PasswordResetInput = \{[^}]*)\}/, "$1  username?: string | null | undefined;\n}");
  expectSame(latchkey, expected, `from ${ours} and from ${librarys} come different clients`);
  console.log(`${ours} makes the same client as ${librarys}`);
}

// There is no file with this form of Latchkey's schema: the library's has to do.
const theirs = buildSchema(read("tests/recordings/django.passwordless.graphql"));
const passwordless = await generate("passwordless", theirs);
for (const folder of ["library", "latchkey"]) {
  writeFileSync(`${folder}/passwordless.operations.ts`, passwordless);
}
