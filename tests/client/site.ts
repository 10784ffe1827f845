import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";

import type { Errors } from "./scalars.js";

/** How long anything may take, in milliseconds. */
const PATIENCE = 60_000;

interface Mail {
  Id: string;
  Destination: { ToAddresses: string[] };
  Body: { text_part: string | null };
}

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((server) => server.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** A Latchkey of the test's own, as `cargo run` starts it. */
export class Site {
  readonly #read = new Set<string>();

  private constructor(
    readonly url: string,
    readonly aws: string,
    readonly server: ChildProcess,
  ) {}

  static async start(binary: string, settings: Record<string, string>): Promise<Site> {
    const own = { PORT: "0", AWS_PORT: "0", DATA_DIR: ":memory:", LOG_LEVEL: "error", THROTTLE: "off" };
    const server = spawn(binary, {
      env: { ...own, ...settings },
      stdio: ["ignore", "pipe", "inherit"],
      // Ends it, and with it whatever waits for it.
      timeout: PATIENCE,
    });
    running.add(server);
    for await (const line of createInterface(server.stdout)) {
      const [, url, aws] = /^Latchkey is ready at (\S+) .* AWS: (\S+)$/.exec(line) ?? [];
      if (url && aws) return new Site(url, aws, server);
    }
    throw new Error("Latchkey did not start, see above");
  }

  stop() {
    this.server.kill("SIGKILL");
    running.delete(this.server);
  }

  /** The token in the next mail to that address with a link to that page. Notices have no such link. */
  async mailedToken(address: string, page: string): Promise<string> {
    for (let waited = 0; waited < PATIENCE; waited += 50) {
      const answer = await fetch(`${this.aws}/_aws/ses`);
      const { messages } = (await answer.json()) as { messages: Mail[] };
      const mail = messages.find(
        ({ Id, Destination, Body }) =>
          Destination.ToAddresses.includes(address) &&
          Body.text_part?.includes(`${this.url}/${page}/`) &&
          !this.#read.has(Id),
      );
      if (mail) {
        this.#read.add(mail.Id);
        const start = `${this.url}/${page}/`;
        const link = mail.Body.text_part?.split("\n").find((line) => line.startsWith(start));
        assert(link, `a link to ${start} in:\n${mail.Body.text_part}`);
        return link.slice(start.length).trim();
      }
      await sleep(50);
    }
    throw new Error(`no mail to ${address}`);
  }
}

/** A front end: sends documents to one endpoint, with the access token that it holds. */
export class Client {
  token: string | null | undefined;
  /** The operations that were called. */
  readonly called = new Set<string>();

  constructor(readonly endpoint: string) {}

  async ask<Result, Variables>(
    document: TypedDocumentNode<Result, Variables>,
    variables: Variables,
  ): Promise<Result> {
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(this.token ? { authorization: `JWT ${this.token}` } : {}),
      },
      body: JSON.stringify({ query: print(document), variables }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    const { data, errors } = JSON.parse(text) as { data: Result; errors?: unknown };
    assert.equal(errors, undefined, text);
    for (const definition of document.definitions) {
      if (definition.kind === "OperationDefinition") this.called.add(definition.name?.value ?? "");
    }
    return data;
  }
}

interface Envelope {
  success: boolean | null;
  errors: Errors | null;
}

/** The answer of a mutation that did what it should. */
export function done<Answer extends Envelope>(answer: Answer | null): Answer {
  assert(answer?.success === true && answer.errors === null, JSON.stringify(answer));
  return answer;
}

/** Why a mutation did nothing: the codes for each input. */
export function refused(answer: Envelope | null): Record<string, string[]> {
  assert(answer?.success === false && answer.errors !== null, JSON.stringify(answer));
  return Object.fromEntries(
    Object.entries(answer.errors).map(([field, errors]) => [field, errors.map(({ code }) => code)]),
  );
}

/** What must be there. */
export function given<T>(value: T | null | undefined): T {
  assert(value !== null && value !== undefined);
  return value;
}
