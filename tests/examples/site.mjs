// A Latchkey of a story's own, as `cargo run` starts it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** How long anything may take, in milliseconds. */
const PATIENCE = 60_000;
/** How long an access token lives, in seconds. */
const LIFETIME = 3;

const running = new Set();
process.on("exit", () => running.forEach((server) => server.kill("SIGKILL")));

export class Site {
  #log = [];

  static async start(binary, settings = {}) {
    const site = new Site();
    const own = { PORT: "0", AWS_PORT: "0", DATA_DIR: ":memory:", THROTTLE: "off" };
    const env = { ...own, ACCESS_TOKEN_LIFETIME: String(LIFETIME), ...settings };
    const server = spawn(binary, { env, stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE * 2 });
    running.add(server);
    createInterface(server.stderr).on("line", (line) => site.#log.push(line));
    for await (const line of createInterface(server.stdout)) {
      const [, url, aws] = /^Latchkey is ready at (\S+) .* AWS: (\S+)$/.exec(line) ?? [];
      if (url && aws) return Object.assign(site, { url, aws, server });
    }
    throw new Error(`Latchkey did not start:\n${site.#log.join("\n")}`);
  }

  stop() {
    this.server.kill("SIGKILL");
    running.delete(this.server);
  }

  /** How many refreshes gave tokens, by Latchkey's own log. */
  get refreshes() {
    const done = (line) => /\boperation=refresh\b/.test(line) && /\boutcome=ok\b/.test(line);
    return this.#log.filter(done).length;
  }

  /** Does what a person does with the newest mail: opens its link and presses the button. */
  async confirm(address) {
    for (let waited = 0; waited < PATIENCE; waited += 50) {
      const { messages } = await (await fetch(`${this.aws}/_aws/ses`)).json();
      const mail = messages.find(({ Destination }) => Destination.ToAddresses.includes(address));
      const link = mail?.Body.text_part.split("\n").find((line) => line.startsWith(this.url));
      if (link) {
        const page = await fetch(link.trim(), { method: "POST" });
        assert.match(await page.text(), /Your address is confirmed/);
        return;
      }
      await sleep(50);
    }
    throw new Error(`no mail to ${address}`);
  }

  /** Waits until an access token that was given out just now has expired. */
  async outlive() {
    await sleep(LIFETIME * 1000 + 200);
  }

  /** Runs that, and tells how many refreshes it took. */
  async counting(act) {
    const before = this.refreshes;
    const results = await act();
    // The log is read from a pipe: what was written before the answers came is there by then.
    await sleep(100);
    return [results, this.refreshes - before];
  }
}
