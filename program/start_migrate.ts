import {
  systemClock,
  systemRng,
  TransporterError,
  ulids,
} from "@transporter/sdk";
import type { Runtime } from "./runtime.ts";
import { type Given, readSettings, stateDir } from "./settings.ts";

/**
 * Moves all events from one store to another, and tells how far it is.
 *
 * @param given What a person said.
 * @param runtime The process it runs in.
 * @returns The exit code.
 */
export async function startMigrate(
  given: Given,
  runtime: Runtime,
): Promise<number> {
  const { migrateConfig } = await import("@transporter/cp/config");
  const { isOutsideDataDir, migrate } = await import("@transporter/cp/migrate");
  const { from, to, ...values } = readSettings(migrateConfig, given, runtime);
  if (from === undefined || to === undefined) {
    throw new TransporterError(
      "usage",
      "Cannot move a store without knowing from where and where to: name both with --from and --to",
    );
  }
  let told = -1;
  const counts = await migrate({
    ...values,
    from,
    to,
    dataDir: values.dataDir ??
      ([from, to].every(isOutsideDataDir)
        ? undefined
        : stateDir(runtime.env, "cp")),
    ids: ulids(() => systemClock.now(), systemRng),
    signal: runtime.signal,
    progress({ kind, moved, all }) {
      const percent = Math.floor(100 * moved / all);
      if (percent === told) return;
      told = percent;
      runtime.note(`${percent} % moved, ${moved} of ${all}: ${WORD[kind]}\n`);
    },
  });
  runtime.print(
    `Moved ${counts.event} events with ${counts.entry} changes, and ${counts.agent} agents. ` +
      "Start the control plane with --store and the new store; the old one is not opened any more.\n",
  );
  return 0;
}

/** What people call the pieces of a store. */
const WORD = {
  agent: "agents",
  mark: "marks",
  tombstone: "ids of events that are gone",
  event: "events",
  entry: "histories",
} as const;
