/**
 * Which files the repository has, and what its tests need.
 *
 * @module
 */

/** The root of the repository, with a slash at the end. */
export const ROOT: string = decodeURIComponent(
  new URL("../", import.meta.url).pathname,
);

/** What is made, not written; in a worktree `.git` is a file. */
const PASSED_OVER: readonly string[] = [".git", "node_modules", "dist"];

/** Every file of the repository, by path from the root, in order. */
async function repositoryFiles(folder = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(ROOT + folder)) {
    const path = folder + entry.name;
    if (entry.isDirectory && !PASSED_OVER.includes(entry.name)) {
      found.push(...await repositoryFiles(`${path}/`));
    } else if (entry.isFile && !PASSED_OVER.includes(entry.name)) {
      found.push(path);
    }
  }
  return found.sort();
}

/** Every text file of the repository with its text, by path from the root. */
export async function repositoryTexts(): Promise<Map<string, string>> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const found = new Map<string, string>();
  for (const path of await repositoryFiles()) {
    const bytes = await Deno.readFile(ROOT + path);
    try {
      found.set(path, decoder.decode(bytes));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // not a text
    }
  }
  return found;
}

/** Every test file, by path from the root, in order. */
async function testFiles(): Promise<string[]> {
  return (await repositoryFiles()).filter((path) =>
    /_test\.tsx?$/.test(path) && !/(^|\/)testdata\//.test(path)
  );
}

/** The parts of the tests that need a server: the API server, Redis, NATS. */
export const SERVER_PARTS = ["kubernetes", "redis", "nats"] as const;

/**
 * The test files that need a server: they stand in the folder of `tests/` with
 * its name, or import from there.
 */
export async function filesThatNeed(
  part: (typeof SERVER_PARTS)[number],
): Promise<string[]> {
  const files = await testFiles();
  const imports = new RegExp(`\\bfrom\\s+"\\.[^"]*/${part}/[^"]+"`);
  const needs = await Promise.all(
    files.map(async (file) =>
      file.startsWith(`tests/${part}/`) ||
      imports.test(await Deno.readTextFile(ROOT + file))
    ),
  );
  return files.filter((_, i) => needs[i]);
}
