/**
 * Ways out of the Pod of a script that tests try (G11 of docs/guarantees.md),
 * what comes of each, and those that are not tried. Those by the network are in
 * a test of their own, as they differ from cluster to cluster.
 *
 * @module
 */
import type { Untried, Verdict } from "./escapes.ts";
import type { Settings } from "./bench.ts";

/** A way out that one script tries. */
export interface JobEscape {
  /** What it is after, as the page has it. */
  readonly name: string;
  /** What is tried: a script for the shell of BusyBox. */
  readonly script: string;
  /** Everything that it may print, beside errors that programs write: those have a colon. */
  readonly prints: RegExp;
  /** What comes of it where that is not `held`. */
  readonly verdict?: Verdict;
  /** How the event ends where that is not with the exit code 0. */
  readonly ends?: RegExp;
  /** What the payload says besides. */
  readonly payload?: Settings;
  /** How the operator has set scripts up. */
  readonly settings?: Settings;
}

/** What is tried by one script. `FILE` is a file of the node that everybody may read, where the test runs on it. */
export const JOB_ESCAPES: readonly JobEscape[] = [
  {
    name: "the token of a ServiceAccount, and where the API server is",
    script: `cat /var/run/secrets/kubernetes.io/serviceaccount/* 2>&1
env | grep -iE 'service|kube'`,
    prints: /^$/,
  },
  {
    name: "files of the node: of the agent, the kubelet, other Pods",
    script:
      `cat "$FILE" "/proc/1/root$FILE" "/proc/self/root$FILE" "/tmp/../$FILE"
ls -d /var/lib/kubelet /var/lib/containerd /home/* /root/* /host`,
    prints: /^$/,
  },
  {
    name: "a socket of docker or containerd",
    script:
      "ls -d /run/containerd /run/docker.sock /var/run/docker.sock /run/crio",
    prints: /^$/,
  },
  {
    name: "processes outside, their environment and memory",
    script: `ls -d /proc/[0-9]* | wc -l
for file in /proc/[0-9]*/environ; do tr '\\0' '\\n' <"$file"; done | grep -E '^(KUBE|TP_|DENO)'
for root in /proc/[0-9]*/root; do readlink "$root"; done | sort -u`,
    prints: /^[1-9]\n\/\n$/,
  },
  {
    name:
      "rights: capabilities, setuid programs, mount, user namespaces, another root",
    script:
      `grep -E '^(CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
mount -t tmpfs tmpfs /tmp && echo mounted
mount -o remount,rw / && echo mounted
unshare -U true && echo userns
chroot / true && echo chrooted
cp /bin/busybox /tmp/su && chmod 4755 /tmp/su && echo | /tmp/su su -c 'echo root'
hostname other && echo named
sysctl -w kernel.core_pattern=x >/dev/null && echo set`,
    prints:
      /^CapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2\n$/,
  },
  {
    name: "devices and the kernel's memory",
    script:
      `for file in /dev/mem /dev/kmem /dev/port /dev/kmsg /dev/sda /dev/vda /proc/kcore /proc/keys /proc/sched_debug; do
  [ -r "$file" ] && head -c 1 "$file" | wc -c | grep -v 0
done
mknod /tmp/mem c 1 1 && echo made
mknod /tmp/disk b 8 0 && echo made`,
    prints: /^$/,
  },
  {
    name: "writing anywhere but in /tmp and /dev/shm",
    script:
      `for dir in / /bin /etc /run /run/script /var /home /root /proc /proc/sys/kernel /sys /sys/fs/cgroup; do
  (: >"$dir/x") && echo "wrote in $dir"
done
for file in /script /run/script/stdin /etc/passwd /bin/busybox; do
  (echo x >>"$file") && echo "wrote $file"
done`,
    prints: /^$/,
  },
  {
    name: "the clock of the node",
    script: "date -s '2001-01-01 00:00' >/dev/null; date | grep 2001",
    prints: /^$/,
  },
  {
    name: "a fork bomb",
    script: `for i in $(seq 200); do sleep 100 & done
ls -d /proc/[0-9]* | wc -l`,
    settings: { processes: 32 },
    // The shell ends when it can start none, or counts those that it has.
    prints: /^([12]?\d|3[0-4])?\n?$/,
    ends: /exit code \d|^Event completed$/,
  },
  {
    name: "a hundred thousand open files",
    script:
      `i=3; while [ "$i" -lt 200 ] && eval "exec $i</dev/null"; do i=$((i + 1)); done
[ "$i" = 200 ] && echo many`,
    settings: { files: 64 },
    prints: /^$/,
    ends: /exit code [12]/,
  },
  {
    name: "all memory",
    // Its limit, as a cgroup of version 2 or 1 has it, and what comes of more.
    script: `cd /sys/fs/cgroup
if [ -e memory.max ]; then cat memory.max; else cat memory/memory.limit_in_bytes; fi
x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo much`,
    settings: { memory_mib: 32 },
    // The kernel ends the largest process: where that is not the shell, it says so.
    prints: /^33554432\n(Killed\n)*$/,
    ends: /SIGKILL|exit code/,
  },
  {
    name: "the node's disk, by /tmp, and its memory, by /dev/shm",
    script: `for dir in /tmp /dev/shm; do
  for i in $(seq 100); do head -c 1048576 /dev/zero >"$dir/$i"; done 2>/dev/null
  echo "$dir $(cat $dir/* | wc -c)"
  rm $dir/*
done`,
    settings: { tmp_mib: 2 },
    // What a Pod has as /dev/shm is of the runtime's size.
    prints: /^\/tmp 2\d{6}\n\/dev\/shm 6\d{7}\n$/,
  },
  {
    name: "the node's inodes",
    script: `for i in $(seq 400000); do : >"/tmp/$i" || break; done
[ "$i" = 400000 ] && echo many`,
    settings: { memory_mib: 32, tmp_mib: 2 },
    prints: /^$/,
    ends: /SIGKILL|exit code|^Event completed$/,
  },
  {
    name: "time after its deadline, by ignoring SIGTERM",
    script: "trap '' TERM; while :; do sleep 1000; done",
    payload: { timeout: "3s" },
    prints: /^$/,
    ends: /^The script did not end within 3s/,
  },
  {
    name: "variables before it is bounded: LD_PRELOAD, PATH",
    script: `ulimit -a | grep -E 'processes|nproc' | grep -o '[0-9]*$'
echo "$LD_PRELOAD $PATH"; env | grep GIVEN_`,
    settings: { processes: 48 },
    payload: {
      env: { LD_PRELOAD: "/run/script/stdin", PATH: "/bin:/none", GIVEN_: "x" },
    },
    prints: /^48\n\/run\/script\/stdin \/bin:\/none\nGIVEN_=x\n$/,
  },
  {
    name: "a sentence without end in what the event says",
    script: "head -c 100000 /dev/zero | tr '\\0' x; exit 1",
    prints: /^x{100000}$/,
    ends: /^.{50,400}$/,
  },
];

/** What more than one script tries, by what it is after: the names of tests. */
export const JOB_MORE: readonly string[] = [
  "files of another script that runs at the same time",
  "a daemon that outlives the script, by forking twice",
  "memory of the agent, by a hundred megabytes in one line",
  "a shell, by its arguments; secrets in its output",
  "hostPath, hostNetwork, privileged Pods and the like, in its namespace",
  "an image by another name, or by a tag that has moved",
];

/** What is not tried, and why. */
export const JOB_UNTRIED: readonly Untried[] = [
  {
    name: "the node by a fault of the kernel or of the runtime",
    why:
      "no node with gVisor was at hand; RuntimeClass and users of its own are asked for, which tests see at the API",
  },
  {
    name: "control characters for a terminal",
    why: "a terminal never gets any: as for a process, whose test it is",
  },
  {
    name: "links in archives",
    why: "there are none: nothing that a script makes is unpacked",
  },
];
