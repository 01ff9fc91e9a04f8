import { TransporterError } from "@transporter/sdk";

/** Whether Redis refused something as it has no room, in memory or on its disk. */
function isFull(message: string): boolean {
  return /^OOM |No space left on device/.test(message);
}

/** The error of a store in Redis that cannot read or commit, `store_unavailable` or `disk_full`; `cause` says why. */
export function redisError(
  verb: "read" | "write to" | "open",
  cause: unknown,
): TransporterError {
  if (cause instanceof TransporterError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new TransporterError(
    isFull(message) ? "disk_full" : "store_unavailable",
    `Cannot ${verb} the store in Redis: ${plain(message)}`,
    { cause },
  );
}

/** What to do about it, where what Redis and its driver say leaves that open. */
const PLAIN: readonly (readonly [RegExp, string])[] = [
  [
    /^OTHERSTORE/,
    "what was kept there is gone, or it is another server now; restart the control plane if that is meant",
  ],
  [
    /^OLDERSTORE/,
    "it is older than it was, so that something which was written is gone; it goes on when agents were asked what they remember",
  ],
  [
    /^OOM /,
    "its maxmemory is used up; raise it, or wait until ended events are removed",
  ],
  [
    /^READONLY/,
    "this server is a replica, which cannot be written to; name the master",
  ],
  [/^NOREPLICAS/, "too few of its replicas are there (min-replicas-to-write)"],
  [/^LOADING/, "it reads what it had kept, and can be used then"],
  [/^(WRONGPASS|NOAUTH)/, "it does not take this user and password"],
  [
    /isn't writeable|Connection is closed|max retries per request|Command aborted/,
    "there is no connection to it",
  ],
  [/Socket timeout/, "it did not answer"],
];

function plain(message: string): string {
  for (const [regexp, text] of PLAIN) {
    if (regexp.test(message)) return text;
  }
  return message;
}
