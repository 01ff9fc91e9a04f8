import {
  CAPABILITIES,
  type ExecutorInfo,
  FRAME_BYTES_MAX,
  type InventoryDigest,
  type LinkFeature,
  type LinkOffer,
  type RegistrationFrame,
  TransporterError,
} from "@transporter/sdk";
import type { JournalEntry, JournalMeta } from "./journal_record.ts";

/** What this agent can do on a link of version 2. */
const FEATURES: readonly LinkFeature[] = [
  "ack",
  "parts",
  "resume",
  "credit",
  "cancel",
  "drain",
  "logs",
  "log_ack",
  "backlog",
];

/** Who the agent is: what a registration says of it. */
export type Identity = Omit<
  RegistrationFrame,
  "type" | "capabilities" | "link"
>;

/** What an agent offers besides who it is. */
export interface Offer {
  /** What it can run. */
  readonly executors: readonly ExecutorInfo[];
  /** What it remembers of its journal and its stream. */
  readonly meta: JournalMeta;
  /** The highest number of the stream that need not be sent again. */
  readonly recv: number;
  /** What is open. */
  readonly inventory: InventoryDigest;
  /** How many events it takes at a time. */
  readonly window: number;
  /** The time of day, RFC 3339. */
  readonly clock: string;
}

/** Makes the first frame of a session, which both v1 and v2 control planes understand. */
export function registrationOf(
  identity: Identity,
  offer: Offer,
): RegistrationFrame {
  const { meta, recv, inventory, executors, window, clock } = offer;
  const { cluster_provider, region, version, hostname, namespace, labels } =
    identity;
  const link: LinkOffer = {
    versions: [2, 1],
    features: FEATURES,
    instance: meta.instance,
    ...(meta.epoch === undefined ? {} : {
      resume: { epoch: meta.epoch, recv, seen: meta.seq ?? recv, inventory },
    }),
    window,
    max_frame: FRAME_BYTES_MAX,
    clock,
    executors,
  };
  return {
    type: "registration",
    id: identity.id,
    name: identity.name,
    cluster_name: identity.cluster_name,
    ...(cluster_provider === undefined ? {} : { cluster_provider }),
    ...(region === undefined ? {} : { region }),
    version,
    capabilities: executors.map(({ type }) => CAPABILITIES.get(type) ?? type),
    ...(hostname === undefined ? {} : { hostname }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    link,
  };
}

/**
 * Up to where events need not be sent again. An event that is in the journal
 * but not in hand has to: after a restart its body is gone.
 */
export function recvOf(
  { epoch, seq = 0 }: JournalMeta,
  entries: Iterable<JournalEntry>,
  held: (id: string) => boolean,
): number {
  let recv = seq;
  for (const entry of entries) {
    if (entry.stage === "finished" || entry.epoch !== epoch || held(entry.id)) {
      continue;
    }
    recv = Math.min(recv, (entry.seq ?? 1) - 1);
  }
  return recv;
}

/**
 * Reads labels as they are configured.
 *
 * @param labels Such as `team=payments`.
 * @throws {TransporterError} `usage` for one without a key or an equals sign.
 */
export function readLabels(
  labels: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(labels.map((label) => {
    const at = label.indexOf("=");
    if (at > 0) return [label.slice(0, at), label.slice(at + 1)];
    throw new TransporterError(
      "usage",
      `Cannot use the label "${label}": it must look like "team=payments"`,
    );
  }));
}
