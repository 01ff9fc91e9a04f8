/**
 * What every {@linkcode Store} must do, as tests: for the drivers here and for
 * those of third parties.
 *
 * @example A store of your own
 * ```ts ignore
 * import { testStore } from "@transporter/cp/testing";
 *
 * testStore("mine", {
 *   async open() {
 *     const place = await makePlace();
 *     let store = await openMyStore(place);
 *     return {
 *       store,
 *       async reopen() {
 *         await store[Symbol.asyncDispose]();
 *         return store = await openMyStore(place);
 *       },
 *       async [Symbol.asyncDispose]() {
 *         await store[Symbol.asyncDispose]();
 *         await place.remove();
 *       },
 *     };
 *   },
 * });
 * ```
 *
 * @module
 */
import { agentCases } from "./testing/agents.ts";
import { changeCases } from "./testing/changes.ts";
import { createCases } from "./testing/create.ts";
import { lifeCases } from "./testing/life.ts";
import { listCases } from "./testing/lists.ts";
import { markCases } from "./testing/marks.ts";
import { readyCases } from "./testing/ready.ts";
import { releaseCases } from "./testing/release.ts";
import type { StoreHarness } from "./testing/samples.ts";
import { sweepCases } from "./testing/sweep.ts";

export type { OpenedStore, StoreHarness } from "./testing/samples.ts";

/**
 * Registers the tests that every {@linkcode Store} must pass.
 *
 * @param name The store, such as `"sqlite"`.
 * @param harness How to open an empty one.
 */
export function testStore(name: string, harness: StoreHarness): void {
  const cases = {
    ...createCases,
    ...changeCases,
    ...releaseCases,
    ...readyCases,
    ...sweepCases,
    ...listCases,
    ...agentCases,
    ...lifeCases,
    ...markCases,
  };
  for (const [title, run] of Object.entries(cases)) {
    Deno.test(`${name} store ${title}`, async () => {
      await using opened = await harness.open();
      await run(opened);
    });
  }
}
