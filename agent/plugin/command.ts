import type { Allowed, PluginEntry } from "./entry.ts";

/** What isolated plugins are run with. */
export interface PluginTools {
  /** The `deno` program. */
  readonly deno: string;
  /** What runs beside a plugin in its process: the URL of `guest.ts`, or of what was made of it. */
  readonly guest: string;
  /** What plugins may import by name, such as `@transporter/sdk`: URLs. */
  readonly supplied: Readonly<Record<string, string>>;
  /** What names mean in what is supplied, by its folder: the program's own dependencies. */
  readonly scopes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Where what is supplied stands, with what it imports: the beginnings of URLs. */
  readonly own: readonly string[];
  /** Programs that bound a process, by their names, as far as the machine has them. */
  readonly bounds: Readonly<Partial<Record<"prlimit" | "setpriv", string>>>;
  /** The environment of this process: plugins see what they are allowed, and what Deno needs. */
  readonly env: Readonly<Record<string, string>>;
}

/** An import map: names, and what they stand for. */
export interface ImportMap {
  /** For every module. */
  readonly imports: Readonly<Record<string, string>>;
  /** For modules of a folder or a host. */
  readonly scopes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** How to run `deno` on the modules of a plugin. */
export interface Resolution {
  /** What its names stand for. */
  readonly map: ImportMap;
  /** A lock file with the hashes of its packages; `undefined`: it has none. */
  readonly lock?: string;
}

/**
 * What a process takes besides the heap that its plugin was given, in MiB: Deno
 * 2.9 starts with 560, and buffers need some.
 */
const DATA_MIB = 640;

/** What Deno itself needs of the environment: where its cache is, and how to reach what it downloads. */
const ENV: readonly string[] = [
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "HOME",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "JSR_URL",
  "NODE_EXTRA_CA_CERTS",
  "NO_PROXY",
  "NPM_CONFIG_REGISTRY",
  "PATH",
  "SSL_CERT_DIR",
  "SSL_CERT_FILE",
  "TMPDIR",
  "XDG_CACHE_HOME",
];

/** The environment that `deno` itself is started with, and what of it a plugin was given. */
export function environment(
  { env }: PluginTools,
  allowed: Allowed = {},
): Record<string, string> {
  const all = allowed.env === true;
  const names = all ? Object.keys(env) : [...ENV, ...allowed.env ?? []];
  const given = names.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(given), NO_COLOR: "1" };
}

/** Where Deno imports from unless it is told otherwise. */
const HOSTS: readonly string[] = [
  "deno.land:443",
  "jsr.io:443",
  "esm.sh:443",
  "raw.esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
];

function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

/** The host of a plugin that is a URL may be imported from, as its operator named it, and a mirror of JSR. */
function importsFrom(specifier: string, { env }: PluginTools): string[] {
  const named = [specifier, env["JSR_URL"] ?? ""]
    .filter((url) => /^https?:/.test(url) && URL.canParse(url));
  if (named.length === 0) return [];
  const hosts = new Set([...HOSTS, ...named.map(hostOf)]);
  return [`--allow-import=${[...hosts].join(",")}`];
}

/** The flags of every `deno` that reads the modules of a plugin. */
export function resolving(
  specifier: string,
  { map }: Resolution,
  tools: PluginTools,
): string[] {
  return [
    ...importsFrom(specifier, tools),
    "--quiet",
    "--no-config",
    "--node-modules-dir=none",
    `--import-map=data:application/json,${
      encodeURIComponent(JSON.stringify(map))
    }`,
  ];
}

function grants(allowed: Allowed): string[] {
  return Object.entries(allowed).map(([name, grant]) =>
    grant === true ? `--allow-${name}` : `--allow-${name}=${grant.join(",")}`
  );
}

/** The module that a process begins with: names in it need no permission. */
function mainModule(specifier: string, guest: string): string {
  const text = `import * as plugin from ${JSON.stringify(specifier)};
import { serve } from ${JSON.stringify(guest)};
await serve(plugin);`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/**
 * The command line of the process of an isolated plugin. Nothing is downloaded
 * by it: what was looked at is what it loads.
 */
export function commandOf(
  { specifier, allow, memoryMib }: PluginEntry,
  resolution: Resolution,
  tools: PluginTools,
): readonly [command: string, ...args: string[]] {
  const { lock } = resolution;
  const { deno, guest, bounds: { prlimit, setpriv } } = tools;
  const line = [
    // It ends with this process, however that ends; and gains nothing by a setuid program.
    ...setpriv === undefined
      ? []
      : [setpriv, "--pdeathsig=KILL", "--no-new-privs", "--"],
    ...prlimit === undefined ? [] : [
      prlimit,
      `--data=${(DATA_MIB + memoryMib) * 2 ** 20}`,
      "--core=0",
      "--",
    ],
    deno,
    "run",
    ...resolving(specifier, resolution, tools),
    ...lock === undefined ? ["--no-lock"] : [`--lock=${lock}`, "--frozen"],
    "--cached-only",
    "--no-prompt",
    `--v8-flags=--max-old-space-size=${memoryMib}`,
    ...grants(allow),
    mainModule(specifier, guest),
  ];
  const [command = deno, ...args] = line;
  return [command, ...args];
}
