import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  type Executor,
  type ExecutorContext,
  silentLogger,
} from "@transporter/sdk";
import {
  changes,
  configMap,
  configMapPath,
  openPlace,
  type Place,
  read,
  runEvent,
} from "./k8s_resource.ts";

/** As an agent asks after a restart what became of an event that it had begun. */
async function cutOff(
  executor: Executor,
  id: string,
  manifests: readonly unknown[],
): Promise<void> {
  const context: ExecutorContext = {
    idempotencyKey: id,
    createdAt: "2026-11-23T05:04:27Z",
    attempt: 1,
    deadline: Infinity,
    signal: new AbortController().signal,
    log: silentLogger,
    report: () => Promise.resolve(),
    output() {},
  };
  deepStrictEqual(await executor.recover({ manifests }, context), {
    kind: "lost",
  });
}

async function dataOf({ kube, namespace }: Place, name: string) {
  const { data } = await read<{ data: Readonly<Record<string, string>> }>(
    kube,
    configMapPath(namespace, name),
  );
  return data;
}

for (const before of ["applied", "not applied"] as const) {
  Deno.test(`an event that was cut off does not undo, at its next attempt, what a later one did: its object was ${before}`, async () => {
    await using place = await openPlace();
    const { namespace, executor } = place;
    const older = [
      configMap(namespace, "a", "k: older"),
      configMap(namespace, "b", "k: older"),
    ];
    if (before === "applied") await runEvent(executor, older, { id: "before" });
    await cutOff(executor, "older", older);
    await runEvent(executor, [configMap(namespace, "a", "k: newer")], {
      id: "newer",
    });
    const again = await runEvent(executor, older, { id: "older", attempt: 2 });
    strictEqual(again.last.state, "completed", again.last.message);
    deepStrictEqual(changes(again), [
      "ConfigMap/a: skipped",
      `ConfigMap/b: ${before === "applied" ? "unchanged" : "created"}`,
    ]);
    match(
      again.objects[0]?.message ?? "",
      /^ConfigMap "a" in namespace ".*" is left as it is: the later event "newer" has seen to it since$/,
    );
    deepStrictEqual(await dataOf(place, "a"), { k: "newer" });
  });
}

Deno.test("an event that was cut off undoes, at its next attempt, what an earlier one did", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const newer = [configMap(namespace, "a", "k: newer")];
  const older = [configMap(namespace, "a", "k: older")];
  await runEvent(executor, older, { id: "older" });
  await cutOff(executor, "newer", newer);
  await runEvent(executor, older, { id: "older", attempt: 2 });
  const again = await runEvent(executor, newer, { id: "newer", attempt: 2 });
  deepStrictEqual(changes(again), ["ConfigMap/a: configured"]);
  deepStrictEqual(await dataOf(place, "a"), { k: "newer" });
});

Deno.test("an event that is tried again in a dry run says what it would do", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const older = [configMap(namespace, "a", "k: older")];
  await cutOff(executor, "older", older);
  await runEvent(executor, [configMap(namespace, "a", "k: newer")]);
  const again = await runEvent(executor, older, {
    id: "older",
    attempt: 2,
    payload: { dry_run: true },
  });
  deepStrictEqual(changes(again), ["ConfigMap/a: configured"]);
});
