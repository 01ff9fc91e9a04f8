/** Far longer than anything here takes, in milliseconds: what did not come by then was lost. */
const LOST_MS = 120_000;

/** Waits for what a test cannot hear of; throws when it does not come. */
export async function until(
  wanted: () => boolean | Promise<boolean>,
): Promise<void> {
  const begun = performance.now();
  while (!await wanted()) {
    if (performance.now() - begun > LOST_MS) {
      throw new Error(`Cannot wait longer for ${wanted}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
