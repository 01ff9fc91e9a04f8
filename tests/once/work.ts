/** A plugin for tests: notes each start in a file, and then does as it is asked. */
import {
  definePlugin,
  type ErrorCode,
  type Schema,
  TransporterError,
} from "@transporter/sdk";
import { setTimeout as sleep } from "node:timers/promises";

interface Payload {
  /** Where starts are noted. */
  readonly witness: string;
  /** How long it takes, in milliseconds. */
  readonly ms?: number;
  /** What its first attempts fail with, and how many. */
  readonly fail?: { readonly code: ErrorCode; readonly times: number };
  /** Whether it goes on until it is cancelled. */
  readonly stands?: boolean;
}

const payload: Schema<Payload> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({ value: value as Payload }),
  },
};

export default definePlugin({
  api: 1,
  type: "work",
  version: "1.0.0",
  payload,
  keys: () => [],
  repeatable: () => true,
  standing: ({ stands = false }) => stands,
  validate: (payload) => payload,
  async apply({ witness, ms = 0, fail, stands }, context) {
    const { idempotencyKey: id, attempt, signal } = context;
    await Deno.writeTextFile(witness, `${id} ${attempt}\n`, { append: true });
    await sleep(stands ? 3600_000 : ms, undefined, { signal });
    if (fail !== undefined && attempt <= fail.times) {
      throw new TransporterError(fail.code, "Cannot do it, as it was asked");
    }
    return {};
  },
});
