import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { TransporterError } from "@transporter/sdk";
import {
  type ApplyContext,
  limitsOf,
  missingAsObject,
  queryOf,
} from "./apply_calls.ts";
import type { LiveObject } from "./change.ts";
import type { CallOptions } from "./client.ts";
import { stringifyExactly } from "./exact_json.ts";
import { describeObject } from "./manifest.ts";
import { fieldsOf } from "./object_fields.ts";
import type { PlannedObject } from "./plan.ts";
import { demandOf } from "./preflight/demand.ts";
import { type Fields, recordOf, recordsOf } from "./ready_parts.ts";
import type { Verdict } from "./verdict.ts";

/** A name of this length does for every kind; a CronJob's has no more. */
const NAME_CHARS = 52;

/** How the server says that a quota has no room; there is no reason code for it. */
const QUOTA_REGEXP = /exceeded quota: /;

/** What a quota has no room for may be taken a little later: what was deleted is counted for a moment. */
export function whileCounted(verdict: Verdict): Verdict {
  return QUOTA_REGEXP.test(verdict.reason)
    ? { ...verdict, transient: true }
    : verdict;
}

/** A name that nothing has, which begins like the object's own: policies may look at it. */
function otherName(name: string): string {
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  const chars = Math.max(name.length, NAME_CHARS) - hash.length - 1;
  return `${name.slice(0, chars).replace(/[^a-z0-9]+$/i, "")}-${hash}`;
}

/** A Service without the address and the ports that the old one has to itself until it is gone. */
function withoutTaken(spec: Fields, old: Fields): Fields {
  const taken = new Set(recordsOf(old.ports).map(({ nodePort }) => nodePort));
  const { clusterIP, clusterIPs, healthCheckNodePort, ports, ...rest } = spec;
  const isFree = clusterIP !== old.clusterIP || clusterIP === "None";
  return {
    ...rest,
    ...(isFree ? { clusterIP, clusterIPs } : {}),
    ...(healthCheckNodePort === old.healthCheckNodePort
      ? {}
      : { healthCheckNodePort }),
    ...(Array.isArray(ports)
      ? {
        ports: recordsOf(ports).map(({ nodePort, ...port }) =>
          taken.has(nodePort) ? port : { ...port, nodePort }
        ),
      }
      : {}),
  };
}

/** The address that a Service is to have from now on. */
function newAddress(
  { group, kind }: PlannedObject,
  fields: Fields,
  live: LiveObject,
): string | undefined {
  if (group !== "" || kind !== "Service") return undefined;
  const { clusterIP } = recordOf(fields.spec);
  return typeof clusterIP === "string" && isIP(clusterIP) !== 0 &&
      clusterIP !== recordOf(live.spec).clusterIP
    ? clusterIP
    : undefined;
}

/**
 * Refuses an address that another Service has, which a dry run does not (seen
 * on 1.36.3). Where nobody may look it is not known.
 */
async function refuseTaken(
  object: PlannedObject,
  address: string,
  { apply: { cluster: { client } }, limits }: {
    readonly apply: ApplyContext;
    readonly limits: CallOptions;
  },
): Promise<void> {
  const found = await client.find({
    method: "GET",
    path: `/apis/networking.k8s.io/v1/ipaddresses/${
      encodeURIComponent(address)
    }`,
  }, { ...limits, review: missingAsObject }).catch((error) => {
    if (error instanceof TransporterError && error.code === "denied") {
      return undefined;
    }
    throw error;
  });
  if (found === undefined) return;
  throw new TransporterError(
    "invalid",
    `Cannot apply ${
      describeObject(object)
    }: another one has its address "${address}"`,
  );
}

/** The new object as it can be tried while the old one is there. */
function trialOf(
  { group, kind, path, name }: PlannedObject,
  fields: Fields,
  live: LiveObject,
): { readonly path: string; readonly name: string; readonly body: string } {
  const other = otherName(name);
  const trial = {
    ...fields,
    metadata: { ...recordOf(fields.metadata), name: other },
    ...(group === "" && kind === "Service"
      ? { spec: withoutTaken(recordOf(fields.spec), recordOf(live.spec)) }
      : {}),
  };
  return {
    name: other,
    path: path.slice(0, path.lastIndexOf("/")),
    body: stringifyExactly(trial),
  };
}

/** Whether a quota that has room for the old object has room for the new one in its place. */
function fitsInPlace(
  object: PlannedObject,
  fields: Fields,
  live: LiveObject,
): boolean {
  const freed = demandOf(object, live).now;
  return demandOf(object, fields).now.entries().every(([name, amount]) =>
    (freed.get(name) ?? 0) >= amount
  );
}

/**
 * Has the server try an object that is to be made anew, under another name and
 * with nothing written, before the old one is taken away for it; and has what
 * would come of it decided about, where the agent has policies.
 *
 * @param object The new object.
 * @param live The old one.
 * @param apply How, and until when.
 * @throws {TransporterError} The code of the server's answer: it would not take the object; `denied` by the agent.
 */
export async function tryAnew(
  object: PlannedObject,
  live: LiveObject,
  apply: ApplyContext,
): Promise<void> {
  const fields = fieldsOf(object);
  const { name, path, body } = trialOf(object, fields, live);
  const query = queryOf({ ...apply.options, dryRun: true });
  const limits = limitsOf(object, apply);
  const { client } = apply.cluster;
  let isCounted = false;
  try {
    const { body: made } = await client.call({
      // An apply of another name would take a right that the least rights have not.
      method: "POST",
      path: `${path}?${query}`,
      contentType: "application/json",
      body,
    }, {
      ...limits,
      review(verdict, since) {
        isCounted = QUOTA_REGEXP.test(verdict.reason);
        return limits.review?.(verdict, since) ?? verdict;
      },
    });
    const address = newAddress(object, fields, live);
    if (address !== undefined) {
      await refuseTaken(object, address, { apply, limits });
    }
    const metadata = { ...recordOf(made.metadata), name: object.name };
    await client.judgeNew({ ...made, metadata }, object.path, limits);
  } catch (error) {
    if (isCounted && fitsInPlace(object, fields, live)) return;
    if (!(error instanceof TransporterError)) throw error;
    throw new TransporterError(
      error.code,
      `${
        error.message.replaceAll(name, object.name)
      }; so "replace_immutable" has deleted nothing`,
      { cause: error },
    );
  }
}
