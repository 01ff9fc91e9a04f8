/** What each container is told of its cluster, and no script needs. */
const TOLD: readonly string[] = [
  "KUBERNETES_PORT",
  "KUBERNETES_PORT_443_TCP",
  "KUBERNETES_PORT_443_TCP_ADDR",
  "KUBERNETES_PORT_443_TCP_PORT",
  "KUBERNETES_PORT_443_TCP_PROTO",
  "KUBERNETES_SERVICE_HOST",
  "KUBERNETES_SERVICE_PORT",
  "KUBERNETES_SERVICE_PORT_HTTPS",
];

/** A function of the shell: whether somebody answers at a host and port; 3 when there is nothing to try it with. */
export const REACH = `reach() {
  if command -v nc; then nc -w 2 "$1" "$2" </dev/null
  elif command -v bash; then timeout 2 bash -c ': <"/dev/tcp/$0/$1"' "$1" "$2"
  elif command -v python3; then python3 -c 'import socket,sys;socket.create_connection((sys.argv[1],int(sys.argv[2])),2)' "$1" "$2"
  elif command -v deno; then timeout 5 deno eval 'const[hostname,port]=Deno.args;await Deno.connect({hostname,port:+port})' "$1" "$2"
  else return 3
  fi >/dev/null 2>&1
} 2>/dev/null`;

/** Waits until the Pod is kept from the API server, as the policy of its network may come a moment after it. */
const HELD = `${REACH}
i=0
while :; do
  reach "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT"
  case $? in 0) ;; 3) sleep 5; break ;; *) break ;; esac
  i=$((i + 1))
  [ "$i" -lt 30 ] || { echo "the network of this Pod is not held" >&2; exit 125; }
  sleep 1
done
`;

/** What stands before the name of a variable that a script is given, until the Pod is bounded. */
export const GIVEN = "GIVEN_";

/**
 * The first process of the container: bounds how many there are and what they
 * have open, gives the
 * script its variables and its input, and becomes the interpreter. Nothing of
 * an event but the names of variables is a part of what it reads as text.
 */
const ENTER =
  `ulimit -p "$0" 2>/dev/null || ulimit -u "$0" && ulimit -n "$1" || exit 125; unset $2; shift 2
while [ "$1" != -- ]; do eval "command export $1=\\"\\$${GIVEN}$1\\"" 2>/dev/null; unset "${GIVEN}$1"; shift; done
shift; exec "$@" </run/script/stdin`;

/** How a container is entered. */
export interface Entrance {
  /** Processes that it may have. */
  readonly processes: number;
  /** Open files of each. */
  readonly files: number;
  /** Variables that the script is given. */
  readonly given: readonly string[];
  /** Whether it waits until its network is held. */
  readonly held: boolean;
  /** Whether it keeps what it is told of the cluster. */
  readonly told: boolean;
}

/** The command line of a container, in front of that of the script. */
export function entering(
  { processes, files, given, held, told }: Entrance,
): readonly string[] {
  const unwanted = told ? [] : TOLD.filter((name) => !given.includes(name));
  return [
    ...["/bin/sh", "-c", `${held ? HELD : ""}${ENTER}`],
    String(processes),
    String(files),
    unwanted.join(" "),
    // A name that is another one's until then comes behind that.
    ...given.toSorted((a, b) => a.length - b.length),
    "--",
  ];
}
