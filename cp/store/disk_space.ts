import { statfs } from "node:fs/promises";

/**
 * How much room is left on the disk of a folder, in bytes.
 *
 * @returns `undefined` when the file system does not say.
 */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined; // a figure that is missing says as much
  }
}
