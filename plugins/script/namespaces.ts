import { NETWORK_FILES, SYSTEM_DIRS, SYSTEM_FILES } from "./bwrap.ts";
import { ENV_PATH, inside, type Limits, PATH, SCRIPT_PATH } from "./inside.ts";

/**
 * Puts together a root of the script's own, and makes it the only one there is.
 * Runs as root, as the first process of its namespace: what it is given are
 * arguments, nothing of an event is a part of this text.
 */
const SETUP = `set -eu
root=$1 bytes=$2 links=$3 files=$4 count=$5
shift 5
mount -n -t tmpfs -o mode=0755,size=16m,nosuid,nodev tmpfs "$root"
cd "$root"
mkdir proc dev dev/shm run tmp etc old usr
bind() { mount -n -o "bind,ro,nosuid,nodev" "$1" "$2"; }
bind /usr usr
for dir in $links; do
  if [ -L "/$dir" ]; then ln -s "$(readlink "/$dir")" "$dir"
  elif [ -d "/$dir" ]; then mkdir "$dir"; bind "/$dir" "$dir"; fi
done
put() {
  mkdir -p "./\${2%/*}"
  if [ -d "$1" ]; then mkdir -p ".$2"; bind "$1" ".$2"
  elif [ -e "$1" ]; then : >".$2"; bind "$1" ".$2"; fi
}
for file in $files; do put "$file" "$file"; done
while [ "$count" -gt 0 ]; do put "$1" "$2"; shift 2; count=$((count - 1)); done
for file in null zero full random urandom; do
  : >"dev/$file"
  mount -n -o bind,nosuid,noexec "/dev/$file" "dev/$file"
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
for dir in dev/shm tmp; do
  mount -n -t tmpfs -o "mode=1777,size=$bytes,nr_inodes=16384,nosuid,nodev" tmpfs "$dir"
done
cat <&8 >.${SCRIPT_PATH}
cat <&9 >.${ENV_PATH}
chmod 0444 .${SCRIPT_PATH} .${ENV_PATH}
exec 7<&- 8<&- 9<&-
pivot_root . old
mount -n -t proc -o nosuid,nodev,noexec proc /proc
umount -n -l /old
rmdir /old
mount -n -o remount,ro,nosuid,nodev /
hostname script 2>/dev/null || :
cd /tmp
# The shell says nothing of how it ends.
exec 7>&2 2>/dev/null
(exec "$@" 2>&7 7>&-)
exit "$?"
`;

/**
 * The command that runs another in namespaces that root makes: it becomes
 * another user, without rights and without a way to new ones. All end when its
 * first process ends, and that does when the agent ends.
 */
export function namespacesArgs(
  command: readonly string[],
  limits: Limits,
): readonly string[] {
  const { uid, gid, network, tmpBytes, extras, root } = limits;
  const files = [...SYSTEM_FILES, ...network ? NETWORK_FILES : []];
  return [
    "env",
    "-i",
    "--ignore-signal=TERM",
    `PATH=${PATH}`,
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--ipc",
    "--uts",
    "--cgroup",
    ...(network ? [] : ["--net"]),
    "--fork",
    "--kill-child",
    "/bin/sh",
    "-c",
    SETUP,
    "sh",
    root,
    String(tmpBytes),
    SYSTEM_DIRS.join(" "),
    files.join(" "),
    String(extras.length),
    ...extras.flat(),
    "setpriv",
    `--reuid=${uid}`,
    `--regid=${gid}`,
    "--clear-groups",
    "--no-new-privs",
    "--bounding-set=-all",
    "--inh-caps=-all",
    ...inside(command, limits),
  ];
}
