import type { ProcessEnd } from "../process.ts";
import type { JobRunner } from "./runner.ts";
import type { JobContext } from "./start.ts";
import type { JobSpec } from "./objects.ts";
import { REACH } from "./enter.ts";

/** Seconds that a NetworkPolicy may take until it holds for a new Pod. */
const LATE_SECONDS_MAX = 10;

/** Milliseconds that are waited for a Pod with users of its own, once one without has ended. */
const OWN_USERS_MS_MAX = 5_000;

/** Nobody gives up tidying, which has its own end. */
const NEVER = new AbortController().signal;

/** Whether something keeps Pods of scripts from the network. */
export type Network =
  | {
    readonly kind: "held";
    /** Whether that began a moment after the Pod. */
    readonly late: boolean;
  }
  | { readonly kind: "open"; readonly reached: string }
  | { readonly kind: "unknown"; readonly why: string };

/** What a cluster does for the Pods of scripts. */
export interface Found {
  /** Whether they are kept from the network. */
  readonly network: Network;
  /** Whether they can have users of their own. */
  readonly ownUsers: boolean;
}

/**
 * Tries to get at the API server and at the name service of the cluster, until
 * neither answers three times, or for so long that nothing holds it. Its last
 * line says what it saw.
 */
const TRY = `${REACH}
name=
while read -r word value _; do [ "$word" = nameserver ] && name=$value && break; done </etc/resolv.conf
reach "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT"; [ $? = 3 ] && { echo "cannot tell"; exit 0; }
begun=$(date +%s) late=0 shut=0
while [ "$shut" -lt 3 ]; do
  reached=
  if reach "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT"; then reached="the API server"
  elif [ -n "$name" ] && reach "$name" 53; then reached="the name service"
  fi
  if [ -z "$reached" ]; then shut=$((shut + 1)); continue; fi
  shut=0 late=1
  if [ $(($(date +%s) - begun)) -ge ${LATE_SECONDS_MAX} ]; then echo "open $reached"; exit 0; fi
  sleep 1
done
echo "held $late"
`;

/** Users of the Pod are others outside of it. */
const OWN_USERS =
  'read -r _ outside _ </proc/self/uid_map && [ "$outside" != 0 ]';

function networkOf(end: ProcessEnd): Network {
  const [word, ...rest] = end.lastLine.split(" ");
  if (end.code === 0 && word === "held") {
    return { kind: "held", late: rest[0] === "1" };
  }
  if (end.code === 0 && word === "open") {
    return { kind: "open", reached: rest.join(" ") };
  }
  return {
    kind: "unknown",
    why: end.code === 0
      ? "the image has nothing to try a connection with"
      : `a Pod that tried ended with exit code ${end.code}`,
  };
}

/**
 * Finds out what a cluster does for the Pods of scripts, with two of them.
 *
 * @param runner What runs them.
 * @param spec Their image, and a name of their own.
 * @param context How long.
 * @throws What a Pod cannot be run for.
 */
export async function probe(
  runner: JobRunner,
  spec: Pick<JobSpec, "id" | "image" | "timeoutMs">,
  context: JobContext,
): Promise<Found> {
  const shell = ["/bin/sh", "/script"];
  const over = new AbortController();
  const end = () => over.abort(context.signal.reason);
  context.signal.addEventListener("abort", end, { once: true });
  const owned = runner.run({
    ...{ ...spec, command: shell, ownUsers: true, attempt: 2 },
    payload: { script: OWN_USERS },
  }, { ...context, signal: over.signal }).then(
    ({ code }) => code === 0,
    () => false, // a cluster that cannot do it never begins it
  );
  try {
    const tried = await runner.run({
      ...{ ...spec, command: shell, told: true, attempt: 1 },
      payload: { script: TRY },
    }, context);
    const network = networkOf(tried);
    const late = setTimeout(() => over.abort(), OWN_USERS_MS_MAX);
    const ownUsers = await owned;
    clearTimeout(late);
    return { network, ownUsers };
  } finally {
    context.signal.removeEventListener("abort", end);
    over.abort();
    await owned;
    await runner.release({ ...spec, attempt: 2 }, NEVER).catch((error) =>
      context.log.warn("Cannot remove the Pods that tried the network", {
        error,
      })
    );
  }
}
