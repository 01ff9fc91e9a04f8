/**
 * The conformance suites of the SDK's interfaces: whoever implements one runs
 * what we run. Each registers tests with `Deno.test`.
 *
 * ```ts ignore
 * import { testWire } from "@transporter/sdk/testing";
 * import { dialPair } from "./my_connector.ts";
 *
 * testWire("mine", { open: dialPair });
 * ```
 *
 * @module
 */
export * from "./executor_suite.ts";
export * from "./ingest_suite.ts";
export * from "./test_clock.ts";
export * from "./wire_suite.ts";
