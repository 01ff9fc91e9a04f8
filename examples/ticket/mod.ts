/** A plugin that calls an HTTP API: opens a ticket, and waits until it can be read. */
import { definePlugin, TransporterError } from "@transporter/sdk";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";

/** A client of the API, made once and lent to each event. */
class Tickets {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#headers = {
      "authorization": `Bearer ${token}`,
      "content-type": "application/json",
    };
  }

  async call(path: string, init: RequestInit): Promise<Response> {
    let answer: Response;
    try {
      const headers = { ...this.#headers, ...init.headers };
      answer = await fetch(new URL(path, this.#url), { ...init, headers });
    } catch (cause) {
      init.signal?.throwIfAborted();
      // A code that may be tried again: the control plane does so.
      throw new TransporterError("unavailable", "The API does not answer", {
        cause,
      });
    }
    if (answer.ok || answer.status === 404) return answer;
    const code = answer.status < 500 ? "failed" : "unavailable";
    await answer.body?.cancel();
    throw new TransporterError(code, `The API answers ${answer.status}`);
  }
}

export default definePlugin({
  api: 1,
  type: "ticket",
  version: "1.0.0",
  config: v.strictObject({
    url: v.pipe(v.string(), v.url()),
  }),
  payload: v.strictObject({
    title: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  }),

  // The operator says where the token is; here is only its name.
  open: async ({ url }, { secret }) => new Tickets(url, await secret("token")),

  keys: () => [],
  // The API knows the event's id again, so a second try opens no second ticket.
  repeatable: () => true,

  async apply({ title }, { opened, signal, idempotencyKey }) {
    const answer = await opened.call("/tickets", {
      method: "POST",
      headers: { "idempotency-key": idempotencyKey },
      body: JSON.stringify({ title }),
      signal,
    });
    const { id } = await answer.json();
    return { ticket: String(id) };
  },

  async verify(_, { ticket }, { opened, signal, report }) {
    for (;;) {
      const answer = await opened.call(`/tickets/${ticket}`, { signal });
      await answer.body?.cancel();
      if (answer.ok) return;
      await report(`Ticket ${ticket} cannot be read yet`);
      await sleep(200, undefined, { signal });
    }
  },
});
