import { TransporterError } from "@transporter/sdk";
import type { ControlPlaneNode, Service } from "./control_plane.ts";
import type { Loop } from "./loop.ts";
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
  readonly #controlPlane: ControlPlaneNode;

  /** Makes a way to a control plane. */
  constructor(loop: Loop, random: Random, controlPlane: ControlPlaneNode) {
    this.#loop = loop;
    this.#random = random;
    this.#controlPlane = controlPlane;
  }

  /** Calls it, and waits until it answers or the caller's patience is over. */
  call<T>(work: (service: Service) => Promise<T>): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const limit = this.#loop.after(
        ANSWER_MS_MAX,
        "no answer",
        () => resolve({ kind: "unknown" }),
      );
      const answer = (answer: Answer<T>) =>
        this.#loop.after(this.#random.exponential(1), "answer", () => {
          limit.run = undefined;
          resolve(answer);
        });
      this.#loop.after(this.#random.exponential(1), "call", () => {
        const { service, process } = this.#controlPlane;
        if (service === undefined || process === undefined) {
          return answer({ kind: "unknown" });
        }
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
}

/** What an answer says of the call: whether it had, cannot have had, or may have had an effect. */
export function outcomeOf(
  answer: Answer<unknown>,
): "ok" | "fail" | "unknown" {
  if (answer.kind !== "refused") return answer.kind;
  return answer.error.retryable ? "unknown" : "fail";
}
