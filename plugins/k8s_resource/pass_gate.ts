import { isRecord } from "@transporter/sdk";
import type { CallOptions } from "./client.ts";
import type { Success } from "./success.ts";
import {
  asked,
  type Fields,
  type Gate,
  placeOf,
  tried,
  writtenBy,
} from "./gate.ts";
import type { Failure } from "./outcome.ts";
import type { Recent } from "./recent.ts";
import type { ApiRequest } from "./transport.ts";

/** The question who we are. @see {@link https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review} */
const SELF_REVIEW: ApiRequest = {
  method: "POST",
  path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
  contentType: "application/json",
  body: "{}",
};

/** What asking takes. */
export interface Asker {
  /** Who we are, as it was told a moment ago. */
  readonly self: Recent<Fields>;
  readonly options: CallOptions;
  readonly send: (
    request: ApiRequest,
    options: CallOptions,
  ) => Promise<Success | Failure>;
}

/** Who we are, as the server sees us; nothing where it does not say. */
async function askSelf({ options, send }: Asker): Promise<Fields> {
  const { signal, until } = options;
  const doing = "ask the cluster who we are";
  const answer = await send(SELF_REVIEW, { signal, until, doing });
  const status = "body" in answer && isRecord(answer.body.status)
    ? answer.body.status
    : {};
  return isRecord(status.userInfo) ? status.userInfo : {};
}

function userOf(asker: Asker): () => Promise<Fields> {
  return () => asker.self.find("", () => askSelf(asker));
}

function nameOf({ metadata }: Fields): string {
  return String(isRecord(metadata) ? metadata.name : "");
}

/**
 * Has an object decided about that is to be made later, as the server would make it.
 *
 * @returns What the producer should know.
 * @throws {TransporterError} `denied`, when it must not be made.
 */
export async function judgeNew(
  gate: Gate | undefined,
  object: Fields,
  path: string,
  asker: Asker,
): Promise<readonly string[]> {
  const place = placeOf(path);
  if (gate === undefined || place === undefined) return [];
  return await gate.check({
    ...place,
    ...{ kind: String(object.kind), object, oldObject: null },
    operation: "CREATE",
    user: userOf(asker),
  }, asker.options.signal);
}

/**
 * Has a write decided about: by what a dry run makes of it, and by what is
 * there. When these fail, so would the write, and it must not be sent.
 *
 * @returns What the producer should know, or how asking failed.
 * @throws {TransporterError} `denied`, when it must not be sent.
 */
export async function passGate(
  gate: Gate | undefined,
  request: ApiRequest,
  asker: Asker,
): Promise<{ readonly warnings: readonly string[] } | Failure> {
  const { options, send } = asker;
  const place = gate === undefined || options.ungated
    ? undefined
    : writtenBy(request);
  if (gate === undefined || place === undefined) return { warnings: [] };
  const limits = { ...options, once: false };
  const isDelete = request.method === "DELETE";
  let object: Fields | null = null;
  if (!isDelete) {
    const merged = await send(tried(request), limits);
    if (!("body" in merged)) return { ...merged, maybeDone: false };
    object = merged.body;
  }
  let oldObject: Fields | null = null;
  if (place.name !== "") {
    const live = await send(asked(request), limits);
    if ("body" in live) oldObject = live.body;
    else if (live.missing === undefined) return live;
  }
  const shown = object ?? oldObject;
  if (shown === null) return { warnings: [] }; // there is nothing to delete
  const warnings = await gate.check({
    ...place,
    ...{ kind: String(shown.kind), name: nameOf(shown), object, oldObject },
    operation: isDelete ? "DELETE" : oldObject === null ? "CREATE" : "UPDATE",
    user: userOf(asker),
  }, options.signal);
  return { warnings };
}
