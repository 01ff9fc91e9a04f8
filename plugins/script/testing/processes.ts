/** Processes of the machine whose command line has a word. */
export async function processesWith(word: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const line = await Deno.readTextFile(`/proc/${name}/cmdline`);
      if (line.split("\0").includes(word)) found.push(line);
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** A number of seconds that no other process has on its command line. */
export function marker(): string {
  return `1000.${crypto.getRandomValues(new Uint32Array(1))[0]}`;
}
