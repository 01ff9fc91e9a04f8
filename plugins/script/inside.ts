/** Where programs are looked for, here and in a script's environment. */
export const PATH =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where a script finds its own text. */
export const SCRIPT_PATH = "/script";

/** Where the variables of a script are, as commands of a shell. */
export const ENV_PATH = "/run/env";

/** What a confinement needs to know. */
export interface Limits {
  /** Who a script runs as. */
  readonly uid: number;
  /** The group of that. */
  readonly gid: number;
  /** Whether the agent is root, and so has to become somebody else. */
  readonly isRoot: boolean;
  /** Whether the network of the machine may be used. */
  readonly network: boolean;
  /** Bytes of `/tmp`, and of `/dev/shm`; no file may be larger. */
  readonly tmpBytes: number;
  /** Interpreters outside of the system's own folders, and where they are inside. */
  readonly extras: readonly (readonly [outside: string, inside: string])[];
  /** An empty folder, where a root for the script may be put together. */
  readonly root: string;
  /** Options of `prlimit`. */
  readonly prlimit: readonly string[];
  /** Whether there is a filter of calls at file descriptor 7. */
  readonly seccomp: boolean;
}

/**
 * The last step inside: says that the script begins, by a NUL that is no part
 * of its output, takes its variables, and becomes the interpreter. Nothing of
 * an event is ever a part of this text.
 */
const ENTER = `printf '\\000'; . ${ENV_PATH}; exec "$@"`;

/** What both ways have in common: limits, signals as usual, the script's variables. */
export function inside(
  command: readonly string[],
  { prlimit }: Limits,
): readonly string[] {
  return [
    "env",
    "--default-signal=TERM",
    "prlimit",
    ...prlimit,
    "--",
    "/bin/sh",
    "-c",
    ENTER,
    "sh",
    ...command,
  ];
}

/** Paths in the folders of the system, which every script may read. */
export const SYSTEM_REGEXP: RegExp =
  /^\/(usr|bin|sbin|lib|lib32|lib64|libx32)\//;
