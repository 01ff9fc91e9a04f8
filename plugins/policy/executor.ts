import {
  type Clock,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import type { Cluster } from "../k8s_resource/port.ts";
import type { Audit } from "./audit.ts";
import type { Config } from "./config.ts";
import type { AuditResult } from "./findings.ts";
import type { Live } from "./live.ts";
import { EVENT_TYPE, type Payload, payloadSchema } from "./payload.ts";

/** Follows semver; what a payload may hold and what a result says are its interface. */
export const VERSION = "0.1.0";

/** Between two reports of how far an audit is, in milliseconds. */
const REPORT_MS = 2_000;

/** What the executor needs of the outside. */
export interface Surroundings {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
}

/** Ends an event that asks for it when something does not hold. */
function enforce(result: AuditResult): void {
  const { error: count } = result.summary;
  const [first] = result.resource_status;
  if (count === 0 || first === undefined) return;
  const where = first.namespace === ""
    ? ""
    : ` in namespace "${first.namespace}"`;
  const more = count === 1 ? "" : `, and ${count - 1} more`;
  throw new TransporterError(
    "denied",
    `The policy "${first.policy}" (${first.rule}) does not hold for ${first.kind} "${first.name}"${where}: ${first.message}${more}`,
    { details: { policy: first.policy, rule: first.rule, result } },
  );
}

/**
 * Opens the executor. Nothing is read before the first event: an agent that
 * gets none does without all of it.
 *
 * @param config Which cluster, if there is one.
 * @param surroundings Time and randomness.
 */
export function openExecutor(
  config: Config,
  { clock, rng }: Surroundings,
): Executor<Payload, Audit, AuditResult> {
  let opened: Promise<Cluster> | undefined;

  async function liveOf(
    context: ExecutorContext,
    warn: (warning: string) => void,
  ): Promise<Live | undefined> {
    const { cluster: wanted } = config;
    if (wanted === undefined) return undefined;
    const [{ openCluster }, { Live }] = await Promise.all([
      import("../k8s_resource/port.ts"),
      import("./live.ts"),
    ]);
    opened ??= openCluster(wanted, { clock, rng });
    const { signal, deadline: until } = context;
    let told = "";
    const onRetry = async (reason: string) => {
      if (reason !== told) await context.report(`Tried again: ${reason}`);
      told = reason;
    };
    return new Live(await opened, { signal, until, onRetry }, warn);
  }

  return defineExecutor<Payload, Audit, AuditResult>({
    type: EVENT_TYPE,
    version: VERSION,
    schema: payloadSchema,
    async validate(payload) {
      const { readAudit } = await import("./audit.ts");
      return await readAudit(payload);
    },
    async apply(audit, context) {
      const { runAudit } = await import("./audit.ts");
      let reportedAt = clock.now();
      const result = await runAudit(audit, {
        signal: context.signal,
        open: (warn) => liveOf(context, warn),
        async report(message) {
          if (clock.now() - reportedAt < REPORT_MS) return;
          reportedAt = clock.now();
          await context.report(message);
        },
      });
      if (audit.isEnforced) enforce(result);
      return result;
    },
    verify: () => Promise.resolve(), // it has only looked
    keys: () => [], // it changes nothing
    repeatable: () => true,
    async close() {
      (await opened)?.[Symbol.dispose]();
    },
  });
}
