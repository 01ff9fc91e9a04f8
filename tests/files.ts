/**
 * Which test files there are, and what they need.
 *
 * @module
 */

/** The root of the repository, with a slash at the end. */
export const ROOT: string = decodeURIComponent(
  new URL("../", import.meta.url).pathname,
);

const PASSED_OVER_REGEXP = /^(\..*|node_modules|dist|testdata)$/;

/** Every test file below a folder of the root, relative to the root. */
export async function testFiles(folder = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(ROOT + folder)) {
    const path = folder + entry.name;
    if (entry.isDirectory && !PASSED_OVER_REGEXP.test(entry.name)) {
      found.push(...await testFiles(`${path}/`));
    } else if (entry.isFile && /_test\.tsx?$/.test(entry.name)) {
      found.push(path);
    }
  }
  return found.sort();
}

/**
 * Whether a test file needs a Kubernetes API server: it stands in
 * `tests/kubernetes/`, or imports from there.
 *
 * @param file The path, relative to the root.
 */
export async function needsKubernetes(file: string): Promise<boolean> {
  if (file.startsWith("tests/kubernetes/")) return true;
  const text = await Deno.readTextFile(ROOT + file);
  return /\bfrom\s+"\.[^"]*\/kubernetes\/[^"]+"/.test(text);
}

/** The test files that need a Kubernetes API server. */
export async function kubernetesFiles(): Promise<string[]> {
  const files = await testFiles();
  const needs = await Promise.all(files.map(needsKubernetes));
  return files.filter((_, i) => needs[i]);
}
