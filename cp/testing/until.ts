/** Far longer than anything here takes, in milliseconds: what has not come by then does not come. */
const WAIT_MS_MAX = 120_000;

/**
 * Waits for what a test cannot hear of.
 *
 * @throws {Error} When it does not come, with the question.
 */
export async function until(
  wanted: () => boolean | Promise<boolean>,
): Promise<void> {
  const begun = performance.now();
  while (!await wanted()) {
    if (performance.now() - begun > WAIT_MS_MAX) {
      throw new Error(
        `Cannot wait longer than ${WAIT_MS_MAX} ms for ${wanted}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
