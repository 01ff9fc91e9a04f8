import { TransporterError } from "@transporter/sdk";
import { bwrapArgs } from "./bwrap.ts";
import { type Config, USER_OF_CLUSTER } from "./config.ts";
import type { Limits } from "./inside.ts";
import { namespacesArgs } from "./namespaces.ts";

/** A way to confine scripts. */
export interface Confinement {
  /** What it is called. */
  readonly name: string;
  /**
   * The program that confines another, and its arguments. It finds the filter of
   * calls at file descriptor 7, the script at 8 and the variables at 9.
   *
   * @param command What runs inside.
   */
  args(command: readonly string[], limits: Limits): readonly string[];
}

/** `bwrap`: namespaces of a user who has no rights, and no further ones. */
const bwrap: Confinement = { name: "bwrap", args: bwrapArgs };

/** Namespaces that root makes, in which the script is another user. */
const namespaces: Confinement = { name: "namespaces", args: namespacesArgs };

/**
 * The user and the group that `user` of the configuration names.
 *
 * @throws {TransporterError} `usage` for one that only a cluster knows.
 */
export function userOf(user: string): { uid: number; gid: number } {
  if (user === USER_OF_CLUSTER) {
    throw new TransporterError(
      "usage",
      `Cannot run scripts beside the agent as the user "${user}": that is for Pods, name a UID with --script-user`,
    );
  }
  const [uid = 65_534, gid = uid] = user.split(":").map(Number);
  return { uid, gid };
}

/** Options of `prlimit`, by the configuration. */
export function prlimitOf(config: Config): readonly string[] {
  const mib = 1024 * 1024;
  return [
    "--core=0",
    `--nproc=${config.processes}`,
    `--nofile=${config.files}`,
    `--fsize=${config.tmp_mib * mib}`,
    `--data=${config.memory_mib * mib}`,
    `--cpu=${config.cpu_seconds}`,
    "--memlock=0",
    "--msgqueue=0",
  ];
}

/** The ways to try, the better one first. */
export function candidates(
  { confinement }: Config,
  isRoot: boolean,
): readonly Confinement[] {
  if (confinement === "bwrap") return [bwrap];
  const all = isRoot ? [bwrap, namespaces] : [bwrap];
  return confinement === undefined
    ? all
    : all.filter(({ name }) => name === confinement);
}

/**
 * Finds a way to confine scripts that works on this machine.
 *
 * @param config What the operator wants.
 * @param isRoot Whether the agent is root.
 * @param probe Runs a script that does nothing; resolves with what kept it from running, if anything.
 * @throws {TransporterError} `unavailable`, naming what is missing.
 */
export async function findConfinement(
  config: Config,
  isRoot: boolean,
  probe: (confinement: Confinement) => Promise<string | undefined>,
): Promise<Confinement> {
  const reasons: string[] = [];
  for (const each of candidates(config, isRoot)) {
    const reason = await probe(each);
    if (reason === undefined) return each;
    reasons.push(`"${each.name}" says "${reason}"`);
  }
  if (!isRoot) reasons.push("only root can do without it");
  throw new TransporterError(
    "unavailable",
    `Cannot run scripts on this machine as nothing can confine them, with all their children: ${
      reasons.join(", and ")
    }; install bubblewrap, or do not enable scripts`,
  );
}
