import {
  deepStrictEqual,
  match,
  notStrictEqual,
  strictEqual,
  throws,
} from "node:assert/strict";
import { join } from "node:path";
import {
  findOrBuild,
  kubernetesVersion,
  programPath,
  type ProgramSource,
  userCacheDir,
} from "./build.ts";

const SOURCE: ProgramSource = { goMod: "a", goSum: "b", mainGo: "c" };

/** What the real program is built from. */
async function source(): Promise<ProgramSource> {
  const [goMod = "", goSum = "", mainGo = ""] = await Promise.all(
    ["go.mod", "go.sum", "main.go"].map((name) =>
      Deno.readTextFile(new URL(name, import.meta.url))
    ),
  );
  return { goMod, goSum, mainGo };
}

const CACHE_CASES = [
  { name: "XDG_CACHE_HOME", env: { XDG_CACHE_HOME: "/x" }, wanted: "/x" },
  {
    name: "XDG_CACHE_HOME before HOME",
    env: { XDG_CACHE_HOME: "/x", HOME: "/h" },
    wanted: "/x",
  },
  { name: "HOME", env: { HOME: "/h" }, wanted: "/h/.cache" },
  {
    name: "HOME where XDG_CACHE_HOME is empty",
    env: { XDG_CACHE_HOME: "", HOME: "/h" },
    wanted: "/h/.cache",
  },
  {
    name: "HOME where XDG_CACHE_HOME is relative",
    env: { XDG_CACHE_HOME: "x", HOME: "/h" },
    wanted: "/h/.cache",
  },
] as const;

for (const { name, env, wanted } of CACHE_CASES) {
  Deno.test(`userCacheDir() follows ${name}`, () => {
    const variables: Readonly<Record<string, string>> = env;
    strictEqual(userCacheDir((variable) => variables[variable]), wanted);
  });
}

Deno.test("userCacheDir() throws no_cluster when there is no folder", () => {
  throws(() => userCacheDir(() => undefined), { code: "no_cluster" });
});

Deno.test("programPath() lies in a folder per source", async () => {
  const path = await programPath(SOURCE, "/cache");
  strictEqual(
    /^\/cache\/transporter\/localkube\/[0-9a-f]{12}\/localkube$/.test(path),
    true,
    path,
  );
  strictEqual(await programPath({ ...SOURCE }, "/cache"), path);
  for (const key of ["goMod", "goSum", "mainGo"] as const) {
    const changed = { ...SOURCE, [key]: `${SOURCE[key]}\n` };
    notStrictEqual(await programPath(changed, "/cache"), path, key);
  }
});

Deno.test("programPath() tells apart the same text in other files", async () => {
  notStrictEqual(
    await programPath({ goMod: "ab", goSum: "", mainGo: "c" }, "/cache"),
    await programPath({ goMod: "a", goSum: "b", mainGo: "c" }, "/cache"),
  );
});

Deno.test("kubernetesVersion() reads the release in go.mod", async () => {
  strictEqual(
    kubernetesVersion("require (\n\tk8s.io/kubernetes v1.36.3\n)\n"),
    "1.36.3",
  );
  throws(() => kubernetesVersion("module localkube\n"), TypeError);
  const goMod = await Deno.readTextFile(new URL("go.mod", import.meta.url));
  const version = kubernetesVersion(goMod);
  // Every staging module is the one of that release.
  const staging = `v0${version.slice(1)}`;
  for (const [line, to] of goMod.matchAll(/^\tk8s\.io\/\S+ => \S+ (\S+)$/gm)) {
    strictEqual(to, staging, line);
  }
});

Deno.test("README.md names the releases of go.mod", async () => {
  const { goMod } = await source();
  const text = await Deno.readTextFile(new URL("README.md", import.meta.url));
  const etcd = /go\.etcd\.io\/etcd\/server\/v3 v(\S+)/.exec(goMod)?.[1];
  const releases = [...text.matchAll(/^\| (?:Kubernetes|etcd) +\| (\S+)/gm)]
    .map(([, release]) => release);
  deepStrictEqual(releases, [kubernetesVersion(goMod), etcd]);
});

Deno.test("findOrBuild() takes a program that is in the cache", async () => {
  const cacheDir = await Deno.makeTempDir();
  try {
    const path = await programPath(await source(), cacheDir);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, "");
    strictEqual(await findOrBuild({ cacheDir }), path);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});

/** What became of {@linkcode findOrBuild} in a process of its own. */
interface Outcome {
  readonly program?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Calls it in a process that finds another Go, or none: `go` is the text of a shell script. */
async function buildWith(
  dir: string,
  go: string | undefined,
): Promise<Outcome> {
  const bin = join(dir, "bin");
  await Deno.mkdir(bin, { recursive: true });
  if (go !== undefined) {
    await Deno.writeTextFile(join(bin, "go"), `#!/bin/sh\n${go}\n`, {
      mode: 0o700,
    });
  }
  const program = `
    import { findOrBuild } from ${
    JSON.stringify(new URL("build.ts", import.meta.url).href)
  };
    const cacheDir = ${JSON.stringify(join(dir, "cache"))};
    const outcome = await findOrBuild({ cacheDir }).then(
      (program) => ({ program }),
      ({ code, message }) => ({ code, message }),
    );
    console.log(JSON.stringify(outcome));
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", program],
    cwd: new URL("../..", import.meta.url),
    env: { PATH: go === undefined ? bin : `${bin}:/usr/bin:/bin`, DIR: dir },
    stderr: "null",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)) as Outcome;
}

/** A Go that notes each build, takes a moment, and writes what it was told to. */
const WORKING_GO = `
if [ "$1" = env ]; then echo go1.99.0; exit; fi
echo "$GOTOOLCHAIN $CGO_ENABLED" >>"$DIR/builds"
while [ "$1" != -o ]; do shift; done
sleep 0.3
echo program >"$2"`;

Deno.test("findOrBuild() builds once for two processes", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const [one, two] = await Promise.all([
      buildWith(dir, WORKING_GO),
      buildWith(dir, WORKING_GO),
    ]);
    deepStrictEqual(one, two);
    strictEqual(await Deno.readTextFile(one.program ?? ""), "program\n");
    strictEqual(await Deno.readTextFile(join(dir, "builds")), "local 0\n");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("findOrBuild() leaves nothing of a build that fails, nor of one before it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const folder = join(
      await programPath(await source(), `${dir}/cache`),
      "..",
    );
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "localkube.killed"), "half of it");
    const outcome = await buildWith(
      dir,
      'if [ "$1" = env ]; then echo go1.99.0; exit; fi; echo no network >&2; exit 1',
    );
    strictEqual(outcome.code, "no_cluster");
    match(outcome.message ?? "", /"go build" ended with code 1: no network$/);
    const left = await Array.fromAsync(Deno.readDir(folder));
    deepStrictEqual(left.map(({ name }) => name), ["lock"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

const REFUSED = [
  { name: "no Go", go: undefined, message: /there is no Go/ },
  { name: "an older Go", go: "echo go1.25.9", message: /Go is "go1\.25\.9"/ },
];

for (const { name, go, message } of REFUSED) {
  Deno.test(`findOrBuild() refuses ${name}`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      const outcome = await buildWith(dir, go);
      strictEqual(outcome.code, "no_cluster");
      match(outcome.message ?? "", message);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
