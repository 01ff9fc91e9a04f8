import { deepStrictEqual } from "node:assert/strict";
import { join } from "node:path";
import { BROKER } from "./broker.ts";
import { assemble, draw } from "./cast.ts";
import { optionsOf } from "./half_a_minute.ts";
import { REDIS } from "./redis.ts";

/** What half a minute does to whom, as `target kind`; nothing is started. */
async function faultsOf(
  ...what: Parameters<typeof optionsOf>
): Promise<ReadonlySet<string>> {
  const folder = await Deno.makeTempDir({ prefix: "transporter-plan-" });
  try {
    const options = { ...optionsOf(...what), folder };
    const history = join(folder, "history.jsonl");
    await using cast = await assemble(options, { folder, history });
    return new Set(
      draw(options, cast).faults.map(({ target, fault }) =>
        `${target} ${fault.kind}`
      ),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("half a minute of chaos on a Redis kills it, stops it and has it sleep, and cuts a replica off from it", async () => {
  for (const replicas of [1, 2] as const) {
    const faults = await faultsOf("ws", replicas, "redis");
    deepStrictEqual(
      ["kill9", "pause", "sleep"].filter((kind) =>
        !faults.has(`${REDIS} ${kind}`)
      ),
      [],
    );
  }
  const faults = await faultsOf("ws", 2);
  deepStrictEqual(
    [...faults].filter((each) => /^cp2?-store-link black_hole$/.test(each)),
    ["cp2-store-link black_hole"],
  );
});

Deno.test("half a minute of chaos over NATS kills the server, ends it and stops it", async () => {
  const faults = await faultsOf("nats");
  deepStrictEqual(
    ["kill9", "term", "pause"].filter((kind) =>
      !faults.has(`${BROKER} ${kind}`)
    ),
    [],
  );
});
