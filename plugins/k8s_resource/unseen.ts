import { isDeepStrictEqual } from "node:util";
import { TransporterError } from "@transporter/sdk";
import { type ApplyContext, queryOf } from "./apply_calls.ts";
import { BUILT_IN } from "./built_in.ts";
import type { CallOptions } from "./client.ts";
import type { PlannedObject } from "./plan.ts";
import type { Success } from "./success.ts";
import { readQuickly } from "./yaml_events.ts";
import { DEPTH_MAX } from "./yaml_document.ts";
import { isMapping } from "./yaml_value.ts";

/** Longer texts are not worth being read twice more. */
const CHARS_MAX = 16_384;

/**
 * A version that no object has: etcd counts its own beginning as 1. An apply
 * of it creates an object, and is a conflict when there is one (seen on 1.36.3
 * for the kinds of Kubernetes itself). A "0" would mean no version.
 */
const NO_VERSION = "1";

/** What the server says to who has no right to it. Rights that were given a moment ago may not have got around yet. */
const NO_RIGHT_REGEXP = /is forbidden: User "/;

/** Where the pairs of the metadata begin: in brackets, also of JSON, or on a line of their own. */
const METADATA_REGEXP =
  /("metadata": *\{\s*(?=")|^metadata: *\{ *(?=[A-Za-z"]))|^metadata:\n( +)(?=[A-Za-z])/m;

/**
 * How most manifests begin. What comes then in the metadata is a pair of the
 * object's own: nothing that would make it anything else has begun.
 */
const PLAIN_REGEXP = /^((?:(?:apiVersion|kind): [\w./-]+\n)*)metadata:/;

/** A version that the object has by itself, or what could hide one. */
const VERSION_REGEXP = /resourceVersion|\\/;

/** Whether it is known without reading that the metadata found in a text are the object's own, and that they have no version. */
function isPlain(body: string, at: number): boolean {
  return PLAIN_REGEXP.exec(body)?.[1]?.length === at &&
    !VERSION_REGEXP.test(body);
}

/**
 * The text of an object, for the case that there is none: every other byte
 * stays. Pure.
 *
 * @returns `undefined` when that would take longer than it saves.
 */
export function textIfNew(body: string): string | undefined {
  if (body.length > CHARS_MAX) return undefined;
  const found = METADATA_REGEXP.exec(body);
  if (found === null) return undefined;
  const [all, , indent] = found;
  const at = found.index + all.length;
  const pair = `"resourceVersion": "${NO_VERSION}"`;
  const added = indent === undefined ? `${pair}, ` : `${pair}\n${indent}`;
  const text = body.slice(0, at) + added + body.slice(at);
  if (isPlain(body, found.index)) return text;
  // It is read again, so that a mistake is no other object.
  const before = readQuickly(body, DEPTH_MAX)?.value;
  const after = readQuickly(text, DEPTH_MAX)?.value;
  if (!isMapping(before) || !isMapping(before.metadata)) return undefined;
  const metadata = { ...before.metadata, resourceVersion: NO_VERSION };
  return isDeepStrictEqual(after, { ...before, metadata }) ? text : undefined;
}

/** What came of an apply without a look: the answer, or that the usual way is to be gone. */
export type Unseen =
  | { readonly answer: Success }
  | {
    readonly answer?: never;
    /** Whether the object may have been made, although nobody said so. */
    readonly maybeMade: boolean;
  };

/**
 * Applies an object without looking whether it is there, when those before it
 * were not: a request less. It is done only if there is none, so nothing is
 * changed that was not looked at. When there is one, or the server may say
 * something else a little later, the usual way is gone, which looks first.
 *
 * @param object The object.
 * @param limits Those of its calls.
 * @param apply Where and how.
 * @throws {TransporterError} The code of the server's answer; what the event's signal aborts with.
 */
export async function applyUnseen(
  object: PlannedObject,
  limits: CallOptions,
  { cluster: { client, newcomers }, context, options }: ApplyContext,
): Promise<Unseen> {
  const notYet = { maybeMade: false };
  // A gate decides by the object that is there, and so do some options; other servers may not compare versions.
  const isPossible = newcomers.expected && !client.isGated &&
    !options.dryRun && !options.createOnly &&
    object.ignored === undefined && !object.pinned &&
    BUILT_IN.has(object.group);
  const body = isPossible ? textIfNew(object.body) : undefined;
  if (body === undefined) return notYet;
  const query = queryOf(options);
  query.set("force", "false");
  let isUnclear = true; // no answer, too
  try {
    const answer = await client.call({
      method: "PATCH",
      path: `${object.path}?${query}`,
      contentType: "application/apply-patch+yaml",
      body,
    }, {
      ...limits,
      once: true,
      review(verdict, since) {
        const reviewed = limits.review?.(verdict, since) ?? verdict;
        const { transient, code, retryAfterMs } = reviewed;
        isUnclear = transient || code === "conflict" ||
          NO_RIGHT_REGEXP.test(reviewed.reason);
        return {
          ...reviewed,
          transient: transient && retryAfterMs !== undefined,
        };
      },
    });
    newcomers.saw(true);
    return { answer };
  } catch (error) {
    context.signal.throwIfAborted();
    newcomers.saw(false);
    if (!(error instanceof TransporterError) || !isUnclear) throw error;
    return { maybeMade: error.code === "cluster_unavailable" };
  }
}
