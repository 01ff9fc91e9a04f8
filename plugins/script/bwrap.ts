import { ENV_PATH, inside, type Limits, PATH, SCRIPT_PATH } from "./inside.ts";

/** Folders of programs and libraries; a link to one is made again, as the link that it is. */
export const SYSTEM_DIRS = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/** What else programs need to start: where libraries and alternatives are. */
export const SYSTEM_FILES = ["/etc/ld.so.cache", "/etc/alternatives"];

/** What programs need to find others in a network. */
export const NETWORK_FILES = [
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/nsswitch.conf",
  "/etc/ssl/certs",
  "/etc/ca-certificates",
];

function folder(name: string): string[] {
  try {
    return ["--symlink", Deno.readLinkSync(`/${name}`), `/${name}`];
  } catch {
    return ["--ro-bind-try", `/${name}`, `/${name}`]; // no link
  }
}

/**
 * The command that runs another under `bwrap`: in namespaces of its own for
 * users, processes, mounts, network and more, without rights and without a way
 * to new ones. It ends with all its children when it or the agent ends.
 */
export function bwrapArgs(
  command: readonly string[],
  limits: Limits,
): readonly string[] {
  const { uid, gid, isRoot, network, tmpBytes, extras, seccomp } = limits;
  const files = [...SYSTEM_FILES, ...network ? NETWORK_FILES : []];
  const size = ["--size", String(tmpBytes)];
  return [
    // Not root for the machine, whatever happens inside.
    ...(isRoot
      ? [
        "setpriv",
        `--reuid=${uid}`,
        `--regid=${gid}`,
        "--clear-groups",
        "--no-new-privs",
      ]
      : []),
    // SIGTERM goes to the whole group: it is for what runs inside.
    "env",
    "-i",
    "--ignore-signal=TERM",
    `PATH=${PATH}`,
    "bwrap",
    "--unshare-all",
    "--unshare-user",
    "--disable-userns",
    ...(network ? ["--share-net"] : []),
    "--die-with-parent",
    "--hostname",
    "script",
    "--uid",
    String(uid),
    "--gid",
    String(gid),
    "--cap-drop",
    "ALL",
    ...(seccomp ? ["--seccomp", "7"] : []),
    "--ro-bind",
    "/usr",
    "/usr",
    ...SYSTEM_DIRS.flatMap(folder),
    ...files.flatMap((path) => ["--ro-bind-try", path, path]),
    ...extras.flatMap((pair) => ["--ro-bind", ...pair]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    ...size,
    "--tmpfs",
    "/dev/shm",
    ...size,
    "--tmpfs",
    "/tmp",
    "--perms",
    "0444",
    "--ro-bind-data",
    "8",
    SCRIPT_PATH,
    "--perms",
    "0444",
    "--ro-bind-data",
    "9",
    ENV_PATH,
    "--remount-ro",
    "/dev",
    "--remount-ro",
    "/",
    "--chdir",
    "/tmp",
    "--",
    ...inside(command, limits),
  ];
}
