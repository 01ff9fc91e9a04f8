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

/**
 * The first process of the container: bounds how many there are, gives the
 * script its input, and becomes the interpreter. Nothing of an event is a part
 * of this text.
 */
const ENTER =
  'ulimit -p "$0" 2>/dev/null || ulimit -u "$0" || exit 125; unset $1; shift; exec "$@" </run/script/stdin';

/** How a container is entered. */
export interface Entrance {
  /** Processes that it may have. */
  readonly processes: number;
  /** Variables that the script is given. */
  readonly given: readonly string[];
  /** Whether it waits until its network is held. */
  readonly held: boolean;
  /** Whether it keeps what it is told of the cluster. */
  readonly told: boolean;
}

/** The command line of a container, in front of that of the script. */
export function entering(
  { processes, given, held, told }: Entrance,
): readonly string[] {
  const unwanted = told ? [] : TOLD.filter((name) => !given.includes(name));
  return [
    ...["/bin/sh", "-c", `${held ? HELD : ""}${ENTER}`],
    String(processes),
    unwanted.join(" "),
  ];
}
