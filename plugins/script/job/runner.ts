import { type Clock, TransporterError, utf8Length } from "@transporter/sdk";
import { NoAnswer } from "../../k8s_resource/no_answer.ts";
import { secretsOf, valueOf } from "../payload.ts";
import type { ProcessEnd } from "../process.ts";
import { outOfTime } from "../result.ts";
import type { Bounds, JobApi } from "./api.ts";
import { afterBegin, type JobEnd, jobEnd, lost } from "./end.ts";
import type { Read } from "./found.ts";
import { Limit } from "./limit.ts";
import { Log, type LogOptions } from "./log.ts";
import { Notes } from "./notes.ts";
import type { JobSpec } from "./objects.ts";
import { type Ended, nameOf, type PodState, stateOf } from "./pod.ts";
import {
  type Begun,
  boundsOf,
  type JobContext,
  LOOK_MS,
  untilBegun,
} from "./start.ts";

/** How long the end of what was stopped is waited for, in milliseconds. */
const STOP_MS_MAX = 60_000;

/** Bytes of a Secret: what the API takes, and something for its own fields. */
const SECRET_BYTES_MAX = 1_000_000;

/**
 * Refuses what no Secret can hold.
 *
 * @throws {TransporterError} `too_large`.
 */
export function checkSize({ payload }: Pick<JobSpec, "payload">): void {
  const { script, stdin = "", env = {} } = payload;
  const bytes = [script, stdin, ...Object.values(env).map(valueOf)]
    .reduce((sum, text) => sum + utf8Length(text), 0);
  if (bytes <= SECRET_BYTES_MAX) return;
  throw new TransporterError(
    "too_large",
    `Cannot run a script as a Job that has ${bytes} bytes with its input and variables: a Secret takes ${SECRET_BYTES_MAX}`,
  );
}

/** Runs scripts as Jobs of a cluster, each in a Pod of its own that is locked down. */
export class JobRunner {
  readonly #api: JobApi;
  readonly #clock: Clock;

  /** Makes one; nothing is asked of the cluster yet. */
  constructor(api: JobApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Runs a script to its end, or until it has to end. */
  async run(spec: JobSpec, context: JobContext): Promise<ProcessEnd> {
    try {
      await this.#api.begin(spec, boundsOf(context));
    } catch (error) {
      await this.#away(spec, context);
      throw error;
    }
    const isFramed = spec.shim !== undefined;
    return await this.#toItsEnd(spec, context, { isFramed });
  }

  /** Goes on with a script that was begun before; `undefined` when there is none. */
  async recover(
    spec: JobSpec,
    context: JobContext,
  ): Promise<ProcessEnd | undefined> {
    const found = await this.#api.find(spec, boundsOf(context));
    if (found?.isBegun) {
      const { createdAt } = found;
      const end = await this.#toItsEnd(spec, context, found);
      const { endedAt = this.#clock.now(), warnings = [] } = end;
      return {
        ...end,
        warnings: [...found.warnings, ...warnings],
        ...(createdAt === undefined
          ? {}
          : { tookMs: Math.max(0, endedAt - createdAt) }),
      };
    }
    if (found !== undefined) await this.#api.remove(spec, this.#tidying());
    return undefined;
  }

  /**
   * Removes what was kept of an attempt, and of those before it: nobody has to
   * find it any more.
   */
  async release(
    { id, attempt }: Pick<JobSpec, "id" | "attempt">,
    signal: AbortSignal,
  ): Promise<void> {
    const bounds = { ...this.#tidying(), signal };
    for (let each = attempt; each > 0; each--) {
      await this.#api.remove({ id, attempt: each }, bounds);
    }
  }

  /** From the beginning of a Job to its end, with its output. */
  async #toItsEnd(
    spec: JobSpec,
    context: JobContext,
    found: Required<Pick<LogOptions, "isFramed">> & Pick<LogOptions, "read">,
  ): Promise<JobEnd> {
    using limit = new Limit(this.#clock, context.signal);
    const { signal } = limit;
    // Reads the output of what is being stopped, and gives up when that is over.
    const over = new AbortController();
    let stopping: Promise<void> | undefined;
    const stop = () => {
      stopping ??= this.#stop(spec).finally(() => over.abort());
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const { isFramed, read } = found;
    if (read !== undefined) context.outputFrom?.(read.bytes);
    const log = new Log({
      isFramed,
      read,
      secrets: secretsOf(spec.payload.env),
      output: (stream, text) => context.output(stream, text),
    });
    const patient = { ...context, signal: over.signal };
    try {
      const { name, leftMs } = await this.#begun(spec, { ...context, signal });
      limit.begin(leftMs, {
        reason: outOfTime(spec.timeoutMs),
        runs: (signal) => this.#runs(spec, signal),
      });
      await this.#read(name, { log, spec }, patient);
      const ended = await this.#ended(spec, patient);
      return jobEnd(spec, ended, { signal, known: log.end() });
    } catch (error) {
      const known = log.end();
      if (!signal.aborted) throw afterBegin(error);
      return { begun: true, code: 137, ...known, stopped: signal.reason };
    } finally {
      signal.removeEventListener("abort", stop);
      await stopping;
      await this.#tidy(spec, { ...context, signal });
    }
  }

  /** Waits until the script has begun; of one that does not nothing stays. */
  async #begun(spec: JobSpec, context: JobContext): Promise<Begun> {
    const ports = { api: this.#api, clock: this.#clock };
    const found = await untilBegun(spec, context, ports);
    if (found.kind === "begun") return found;
    await this.#api.remove(spec, this.#tidying());
    throw new TransporterError(
      "failed",
      `Cannot begin the script as its Pod does not: ${found.why}`,
    );
  }

  /** Reads the log to its end, opened once more where it breaks. */
  async #read(
    name: string,
    { log, spec }: { readonly log: Log; readonly spec: JobSpec },
    context: JobContext,
  ): Promise<void> {
    await using notes = new Notes({
      clock: this.#clock,
      read: () => log.read,
      sent: async () => await context.outputSent?.(),
      note: async (read) => await this.#note(spec, read, context),
    });
    for (;;) {
      try {
        const bounds = boundsOf(context);
        await using stream = await this.#api.log(name, log.since, bounds);
        for await (const text of stream.text()) {
          log.push(text);
          notes.look();
        }
        return;
      } catch (error) {
        if (!(error instanceof NoAnswer)) {
          context.log.warn("Cannot read the log of a script", { error });
          return;
        }
      }
      log.reopen();
      await this.#clock.sleep(LOOK_MS, { signal: context.signal });
    }
  }

  async #note(spec: JobSpec, read: Read, context: JobContext): Promise<void> {
    try {
      await this.#api.note(spec, read, boundsOf(context));
    } catch (error) {
      context.log.warn("Cannot note how far a log was read", { error });
    }
  }

  /** Waits until the script has ended. */
  async #ended(spec: JobSpec, context: JobContext): Promise<Ended> {
    for (;;) {
      const pod = await this.#api.pod(spec, boundsOf(context));
      const state: PodState = pod === undefined
        ? { kind: "lost", why: "it is gone" }
        : stateOf(pod);
      if (state.kind === "ended") return state;
      if (state.kind === "lost") throw lost(state);
      await this.#clock.sleep(LOOK_MS, { signal: context.signal });
    }
  }

  /** Whether a script runs, or nobody can tell. */
  async #runs(spec: JobSpec, signal: AbortSignal): Promise<boolean> {
    try {
      const pod = await this.#api.pod(spec, { ...this.#tidying(), signal });
      return pod !== undefined && stateOf(pod).kind === "runs";
    } catch {
      return true;
    }
  }

  /** Ends a Pod, and waits until it is over. */
  async #stop(spec: JobSpec): Promise<void> {
    const bounds = this.#tidying();
    const pod = await this.#api.pod(spec, bounds);
    if (pod === undefined) return;
    await this.#api.endPod(nameOf(pod), bounds);
    while (this.#clock.now() < bounds.until) {
      const left = await this.#api.pod(spec, bounds);
      if (left === undefined || stateOf(left).kind !== "runs") return;
      await this.#clock.sleep(LOOK_MS);
    }
  }

  /** A Job that was stopped goes; one that ended stays until its end is acknowledged, for an agent that was away. */
  async #tidy(spec: JobSpec, context: JobContext): Promise<void> {
    if (context.signal.aborted) return await this.#away(spec, context);
    try {
      await this.#api.forget(spec, this.#tidying());
    } catch (error) {
      context.log.warn("Cannot tidy up after a script", { error });
    }
  }

  /** Leaves nothing of a Job. */
  async #away(spec: JobSpec, { log }: JobContext): Promise<void> {
    try {
      await this.#api.remove(spec, this.#tidying());
    } catch (error) {
      log.warn("Cannot remove the Job of a script", { error });
    }
  }

  /** What is done to leave nothing behind goes on when the attempt does not. */
  #tidying(): Bounds {
    return {
      signal: new AbortController().signal,
      until: this.#clock.now() + STOP_MS_MAX,
    };
  }
}
