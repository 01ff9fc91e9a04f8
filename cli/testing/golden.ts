import { strictEqual } from "node:assert/strict";

/**
 * Compares a text with the file that says how it has to be. With
 * `UPDATE_GOLDEN=1` in the environment the file is written instead, and the
 * change is reviewed as a diff.
 *
 * @param name The file's name in `testdata/`.
 * @param text What there is.
 */
export async function golden(name: string, text: string): Promise<void> {
  const file = new URL(`../testdata/${name}`, import.meta.url);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") {
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  strictEqual(text, await Deno.readTextFile(file), `testdata/${name} differs`);
}
