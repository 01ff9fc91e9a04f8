/**
 * Calls of the kernel that no script needs, by their numbers on x86-64 and on
 * 64-bit ARM: those that lead to new rights or old faults, and those that ask
 * for the keys of whoever started it.
 */
const DENIED: Readonly<Record<string, readonly [x64: number, arm64: number]>> =
  {
    acct: [163, 89],
    add_key: [248, 217],
    adjtimex: [159, 171],
    bpf: [321, 280],
    chroot: [161, 51],
    clock_adjtime: [305, 266],
    clock_settime: [227, 112],
    delete_module: [176, 106],
    finit_module: [313, 273],
    fsconfig: [431, 431],
    fsmount: [432, 432],
    fsopen: [430, 430],
    fspick: [433, 433],
    init_module: [175, 105],
    io_uring_enter: [426, 426],
    io_uring_register: [427, 427],
    io_uring_setup: [425, 425],
    kcmp: [312, 272],
    kexec_file_load: [320, 294],
    kexec_load: [246, 104],
    keyctl: [250, 219],
    mount: [165, 40],
    mount_setattr: [442, 442],
    move_mount: [429, 429],
    name_to_handle_at: [303, 264],
    open_by_handle_at: [304, 265],
    open_tree: [428, 428],
    perf_event_open: [298, 241],
    pidfd_getfd: [438, 438],
    pivot_root: [155, 41],
    process_vm_readv: [310, 270],
    process_vm_writev: [311, 271],
    ptrace: [101, 117],
    quotactl: [179, 60],
    reboot: [169, 142],
    request_key: [249, 218],
    setdomainname: [171, 162],
    sethostname: [170, 161],
    setns: [308, 268],
    settimeofday: [164, 170],
    swapoff: [168, 225],
    swapon: [167, 224],
    syslog: [103, 116],
    umount2: [166, 39],
    unshare: [272, 97],
    userfaultfd: [323, 282],
    vhangup: [153, 58],
  };

/** What the kernel calls a kind of machine: `AUDIT_ARCH_…` of linux/audit.h. */
const ARCHS = { x86_64: 0xc000003e, aarch64: 0xc00000b7 } as const;

/** Calls of x86-64 by its other set of numbers begin here. */
const X32_MIN = 0x40000000;

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const ALLOW = 0x7fff0000;
const REFUSE = 0x00050001; // SECCOMP_RET_ERRNO with EPERM

/** Where `struct seccomp_data` has the number of a call, and the kind of machine. */
const NUMBER = 0;
const ARCH = 4;

/**
 * The filter that refuses what no script needs, as `bwrap --seccomp` reads it.
 * A call by another kind of machine's numbers is refused, too.
 *
 * @param machine The kind of machine.
 * @returns The program; empty where none is known for the machine.
 */
export function seccompFilter(machine: string): Uint8Array<ArrayBuffer> {
  if (machine !== "x86_64" && machine !== "aarch64") return new Uint8Array();
  const at = machine === "x86_64" ? 0 : 1;
  const numbers = Object.values(DENIED).map((both) => both[at]);
  type Step = readonly [
    code: number,
    ifTrue: number,
    ifFalse: number,
    k: number,
  ];
  const checks = numbers.length + 1;
  const steps: readonly Step[] = [
    [LOAD, 0, 0, ARCH],
    [EQUAL, 0, checks + 2, ARCHS[machine]],
    [LOAD, 0, 0, NUMBER],
    [AT_LEAST, checks, 0, X32_MIN],
    ...numbers.map((number, i): Step => [EQUAL, checks - 1 - i, 0, number]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, REFUSE],
  ];
  const bytes = new DataView(new ArrayBuffer(8 * steps.length));
  for (const [i, [code, ifTrue, ifFalse, k]] of steps.entries()) {
    bytes.setUint16(8 * i, code, true);
    bytes.setUint8(8 * i + 2, ifTrue);
    bytes.setUint8(8 * i + 3, ifFalse);
    bytes.setUint32(8 * i + 4, k, true);
  }
  return new Uint8Array(bytes.buffer);
}
