import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { basename, dirname, join, normalize } from "node:path";
import { repositoryTexts, ROOT } from "./files.ts";

interface Manifest {
  readonly workspace?: readonly string[];
  readonly exports?: string | Readonly<Record<string, string>>;
  readonly tasks?: Readonly<Record<string, { readonly description?: string }>>;
}

async function manifest(folder = ""): Promise<Manifest> {
  return JSON.parse(await Deno.readTextFile(join(ROOT, folder, "deno.json")));
}

/** Every Markdown page of the repository with its text, by path from the root. */
async function pages(): Promise<Map<string, string>> {
  const texts = await repositoryTexts();
  return new Map([...texts].filter(([path]) => path.endsWith(".md")));
}

/** A page without its fenced blocks. */
function prose(text: string): string {
  return text.replace(/^( *)(```+|~~~+)[^\n]*\n[\s\S]*?^\1\2\s*$/gm, "");
}

/** The anchors that GitHub gives to the headings of a page. */
function anchors(text: string): Set<string> {
  const found = new Set<string>();
  for (
    const [, heading = ""] of prose(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)
  ) {
    const slug = heading.toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; found.has(anchor); n++) anchor = `${slug}-${n}`;
    found.add(anchor);
  }
  return found;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("every export of every package is documented", async () => {
  const { workspace = [] } = await manifest();
  const entries: string[] = [];
  for (const folder of workspace) {
    const { exports = {} } = await manifest(folder);
    const paths = typeof exports === "string"
      ? [exports]
      : Object.values(exports);
    entries.push(...paths.map((path) => join(folder, path)));
  }
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--lint", "mod.ts", ...entries],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout: "null",
  }).output();
  if (success) return;
  // Types of packages that it does not find are no concern of ours.
  const text = new TextDecoder().decode(stderr)
    .replace(/^Warning Failed resolving types.*\n(?: +at .*\n)?/gm, "");
  throw new Error(text);
});

Deno.test("every relative link in a page leads somewhere", async () => {
  const texts = await pages();
  const broken: string[] = [];
  for (const [page, text] of texts) {
    for (
      const [, target = ""] of prose(text).matchAll(
        /\]\(<?([^)\s>]+)>?[^)]*\)/g,
      )
    ) {
      if (/^[a-z][a-z+.-]*:/i.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === ""
        ? page
        : normalize(join(dirname(page), decodeURI(path)));
      const text = texts.get(file);
      const there = text !== undefined || await exists(ROOT + file);
      if (
        !there || (anchor && text !== undefined && !anchors(text).has(anchor))
      ) {
        broken.push(`${page}: ${target}`);
      }
    }
  }
  deepStrictEqual(broken, []);
});

Deno.test("every page that a file names is there", async () => {
  const texts = await repositoryTexts();
  const missing: string[] = [];
  for (const [path, text] of texts) {
    if (path === "tests/docs_test.ts") continue; // has a pattern
    const bases = ["", dirname(path)];
    // What these write stands there.
    if (path.startsWith("tests/gen/")) bases.push("docs/reference");
    for (
      const [name] of text.replace(/\bhttps?:\/\/\S+/g, "")
        .matchAll(/(?<![\w/.-])[\w./-]*\w\.md\b/g)
    ) {
      const places = bases.map((base) => normalize(join(base, name)));
      if (places.every((place) => !texts.has(place))) {
        missing.push(`${path}: ${name}`);
      }
    }
  }
  deepStrictEqual(missing, []);
});

/** What the first cells of a page's tables name as code. */
function listed(page: string): string[] {
  const cells = [...page.matchAll(/^\| ([^|]+)\|/gm)].map(([, cell]) => cell);
  return [...cells.join(" ").matchAll(/`([\w./*-]+)`/g)]
    .map(([, name = ""]) => name);
}

Deno.test("the README of each package lists its files, by name or by folder", async () => {
  const texts = await repositoryTexts();
  const { workspace = [] } = await manifest();
  const wrong: string[] = [];
  for (const folder of workspace.map((path) => normalize(path))) {
    const files = [...texts.keys()].filter((path) =>
      path.startsWith(`${folder}/`) && path.endsWith(".ts") &&
      !path.endsWith("_test.ts") && !path.includes("/testdata/")
    ).map((path) => path.slice(folder.length + 1));
    const names = listed(texts.get(`${folder}/README.md`) ?? "");
    const patterns = names.map((name) =>
      name.endsWith("/")
        ? new RegExp(`^${RegExp.escape(name)}`)
        : new RegExp(`^${name.split("*").map(RegExp.escape).join("[^/]*")}$`)
    );
    for (const file of files) {
      if (!patterns.some((pattern) => pattern.test(file))) {
        wrong.push(`${folder}/README.md does not list ${file}`);
      }
    }
    for (const [i, name] of names.entries()) {
      const { source } = patterns[i]!;
      // A table of one folder leaves its name out.
      const pattern = new RegExp(source.replace("^", "(^|/)"));
      if (name.endsWith(".ts") && !files.some((file) => pattern.test(file))) {
        wrong.push(`${folder}/README.md lists ${name}, which is not there`);
      }
    }
  }
  deepStrictEqual(wrong, []);
});

Deno.test("a README with a table of one folder lists all of its files", async () => {
  const texts = await repositoryTexts();
  const wrong: string[] = [];
  for (const [readme, page] of texts) {
    // Those of tests/ say what to read.
    if (!/^(?!tests\/).*\/README\.md$/.test(readme)) continue;
    const home = dirname(readme);
    const patterns = listed(page).filter((name) => name.endsWith(".ts")).map(
      (name) =>
        new RegExp(`^${name.split("*").map(RegExp.escape).join("[^/]*")}$`),
    );
    const files = [...texts.keys()].filter((path) =>
      path.startsWith(`${home}/`) && path.endsWith(".ts") &&
      !path.endsWith("_test.ts")
    );
    for (const inIt of Map.groupBy(files, dirname).values()) {
      const isListed = (path: string) =>
        patterns.some((pattern) => pattern.test(basename(path)));
      // Some names are those of other folders, too.
      if (inIt.filter(isListed).length <= inIt.length / 2) continue;
      for (const path of inIt) {
        if (!isListed(path)) wrong.push(`${readme} does not list ${path}`);
      }
    }
  }
  deepStrictEqual(wrong, []);
});

Deno.test("every guarantee that is named has its number in docs/guarantees.md", async () => {
  const texts = await repositoryTexts();
  const page = texts.get("docs/guarantees.md") ?? "";
  const numbers = new Set(page.match(/\bG\d{1,2}\b/g));
  const unknown: string[] = [];
  for (const [path, text] of texts) {
    if (!/\.(ts|md)$/.test(path)) continue;
    for (const [number] of text.matchAll(/\bG\d{1,2}\b/g)) {
      if (!numbers.has(number)) unknown.push(`${path}: ${number}`);
    }
  }
  deepStrictEqual(unknown, []);
});

Deno.test("docs.commands: every task that a page names is there", async () => {
  const { tasks = {} } = await manifest();
  const unknown: string[] = [];
  for (const [page, text] of await pages()) {
    if (page === "CHANGELOG.md") continue; // tells of tasks that were
    for (
      const [, task = ""] of text.matchAll(
        /\bdeno(?:@[\w.]+)? task ([a-z][\w:-]*)/g,
      )
    ) {
      if (!Object.hasOwn(tasks, task)) unknown.push(`${page}: ${task}`);
    }
  }
  deepStrictEqual(unknown, []);
});

Deno.test("docs.commands: what 'Break it yourself' takes away stands in the file that it names", async () => {
  const texts = await repositoryTexts();
  const page = texts.get("tests/README.md") ?? "";
  const diffs = [
    ...page.matchAll(/, in `([^`]+)`:\n\n```diff\n([\s\S]*?)^```$/gm),
  ].map(([, file = "", diff = ""]) => ({
    file,
    lines: [...diff.matchAll(/^-(.*)$/gm)].map(([, line = ""]) => line.trim()),
  }));
  strictEqual(diffs.length, page.split("```diff\n").length - 1);
  ok(diffs.length >= 3 && diffs.every(({ lines }) => lines.length > 0));
  const missing = diffs.flatMap(({ file, lines }) => {
    const there = texts.get(file)?.split("\n").map((line) => line.trim()) ?? [];
    return lines.filter((line) => !there.includes(line))
      .map((line) => `${file}: ${line}`);
  });
  deepStrictEqual(missing, []);
});

Deno.test("every task has a description", async () => {
  const { tasks = {} } = await manifest();
  const silent = Object.entries(tasks).filter(([, task]) => !task.description);
  deepStrictEqual(silent.map(([name]) => name), []);
});
