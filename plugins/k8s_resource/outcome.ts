import { TransporterError } from "@transporter/sdk";
import type { ApiAnswer } from "./answer.ts";
import { LongAnswer, NoAnswer } from "./no_answer.ts";
import type { Verdict } from "./verdict.ts";

/** How a call failed. */
export interface Failure extends Verdict {
  /** Why there was no answer, if there was none. */
  readonly cause?: NoAnswer;
  /** It was a write, and a try of it got no answer, or one that does not say whether it was done. */
  readonly maybeDone: boolean;
}

/** A success, and whether a try before it may have been done. */
export interface Exchanged<Good> {
  readonly good: Good;
  readonly uncertain: boolean;
}

/** What a request led to, when there was an answer. */
export type Sent<Good> =
  | { readonly good: Good }
  | { readonly refused: ApiAnswer; readonly silent?: never };

const NOBODY_KNOWS = ", so nobody knows whether it was done";

/** The error that a call ends with. */
export function failure(outcome: Failure, doing: string): TransporterError {
  const { code, reason, cause, maybeDone } = outcome;
  return new TransporterError(code, `Cannot ${doing}: ${reason}`, {
    cause,
    ...(maybeDone ? { details: { maybe_done: true } } : {}),
  });
}

/** What a request led to, also when there was no answer. */
export async function answered<Good>(
  send: () => Promise<Sent<Good>>,
): Promise<Sent<Good> | { readonly silent: NoAnswer }> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof NoAnswer) return { silent: error };
    throw error;
  }
}

/** What it means that no answer came. */
export function silence(error: NoAnswer): Verdict {
  return {
    transient: !(error instanceof LongAnswer),
    code: "cluster_unavailable",
    reason: `the API server does not answer: ${error.message}`,
    unclear: true,
  };
}

/** The verdict on a request that is sent once: what may have been done is not tried again. */
export function withOnce(verdict: Verdict): Verdict {
  return verdict.unclear
    ? { ...verdict, transient: false, reason: verdict.reason + NOBODY_KNOWS }
    : verdict;
}
