import { TransporterError } from "@transporter/sdk";
import { type ControlPlanes, oneOf, type Service } from "./control_plane.ts";
import type { Loop } from "./loop.ts";
import type { Process } from "./machine.ts";
import type { Random } from "./random.ts";

/** How long a caller waits for an answer, in milliseconds. */
const ANSWER_MS_MAX = 10_000;

/** What became of a call. */
export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "refused"; readonly error: TransporterError }
  /** Nobody answered. */
  | { readonly kind: "unknown" };

/**
 * The way of producers, readers and operators to the control plane, as HTTP is
 * one: a request and its answer each take their time, and either may be lost.
 */
export class Api {
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #controlPlanes: ControlPlanes;
  /** What lets each caller go who waits. */
  readonly #waiting = new Set<() => void>();
  /** Calls without an answer, and the process that works on each; `undefined` while it is on its way there. */
  readonly #unanswered = new Set<{ process: Process | undefined }>();

  /** Makes a way to a control plane, or to any of several. */
  constructor(loop: Loop, random: Random, controlPlanes: ControlPlanes) {
    this.#loop = loop;
    this.#random = random;
    this.#controlPlanes = controlPlanes;
  }

  /** Whether no call can have an effect any more, whether or not its caller still waits for it. */
  get quiet(): boolean {
    for (const { process } of this.#unanswered) {
      if (process?.alive !== false) return false;
    }
    return true;
  }

  /** Calls it, and waits until it answers or the caller's patience is over. */
  call<T>(work: (service: Service) => Promise<T>): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const giveUp = () => {
        this.#waiting.delete(giveUp);
        resolve({ kind: "unknown" });
      };
      this.#waiting.add(giveUp);
      const limit = this.#loop.after(ANSWER_MS_MAX, "no answer", giveUp);
      const call = { process: undefined as Process | undefined };
      this.#unanswered.add(call);
      const answer = (answer: Answer<T>) => {
        this.#unanswered.delete(call);
        this.#loop.after(this.#random.exponential(1), "answer", () => {
          limit.run = undefined;
          this.#waiting.delete(giveUp);
          resolve(answer);
        });
      };
      this.#loop.after(this.#random.exponential(1), "call", () => {
        const { service, process } = oneOf(this.#controlPlanes, this.#random);
        if (service === undefined || process === undefined) {
          return answer({ kind: "unknown" });
        }
        call.process = process;
        process.enter("call", () => {
          work(service).then(
            (value) => answer({ kind: "ok", value }),
            (error) =>
              answer({ kind: "refused", error: TransporterError.from(error) }),
          );
        });
      });
    });
  }

  /** The callers do not wait any longer: nobody knows what becomes of what they asked for. */
  giveUp(): void {
    for (const giveUp of this.#waiting) giveUp();
  }
}

/** What an answer says of the call: whether it had, cannot have had, or may have had an effect. */
export function outcomeOf(
  answer: Answer<unknown>,
): "ok" | "fail" | "unknown" {
  if (answer.kind !== "refused") return answer.kind;
  return answer.error.retryable ? "unknown" : "fail";
}
