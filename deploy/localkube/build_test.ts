import { notStrictEqual, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import {
  findOrBuild,
  kubernetesVersion,
  programPath,
  type ProgramSource,
  userCacheDir,
} from "./build.ts";

const SOURCE: ProgramSource = { goMod: "a", goSum: "b", mainGo: "c" };

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

Deno.test("findOrBuild() takes a program that is in the cache", async () => {
  const cacheDir = await Deno.makeTempDir();
  try {
    const [goMod, goSum, mainGo] = await Promise.all(
      ["go.mod", "go.sum", "main.go"].map((name) =>
        Deno.readTextFile(new URL(name, import.meta.url))
      ),
    ) as [string, string, string];
    const path = await programPath({ goMod, goSum, mainGo }, cacheDir);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, "");
    strictEqual(await findOrBuild({ cacheDir }), path);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});
