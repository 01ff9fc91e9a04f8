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
  openPlugin,
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

/** Runs something with one process of an agent after the other, which share a data folder. */
async function inTurns(
  run: (place: Place, next: () => Promise<Executor>) => Promise<void>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const config = { unfinished_file: `${dir}/unfinished.json` };
  const place = stack.use(await openPlace(config));
  const { kube: { kubeconfig }, namespace } = place;
  await run(
    place,
    async () =>
      stack.use(await openPlugin({ kubeconfig, namespace, ...config })),
  );
}

/** How the first attempt of an event may end without its being done. */
const ENDS: Readonly<Record<string, (place: Place) => Promise<unknown>>> = {
  "was cut off": ({ executor, namespace }) =>
    cutOff(executor, "older", olderOf(namespace)),
  "failed": async ({ executor, namespace }) => {
    const run = await runEvent(executor, olderOf(namespace), {
      id: "older",
      payload: { as: { service_account: `${namespace}/nobody` } },
    });
    strictEqual(run.last.error?.code, "denied", run.last.message);
  },
};

function olderOf(namespace: string): readonly unknown[] {
  return [
    configMap(namespace, "a", "k: older"),
    configMap(namespace, "b", "k: older"),
  ];
}

for (const [end, first] of Object.entries(ENDS)) {
  Deno.test(`an event that ${end} does not undo what a later one did, however often its agent ends before its next attempt`, async () => {
    await inTurns(async (place, next) => {
      const { namespace } = place;
      await first(place);
      await runEvent(
        await next(),
        [configMap(namespace, "a", "k: newer")],
        { id: "newer" },
      );
      const again = await runEvent(await next(), olderOf(namespace), {
        id: "older",
        attempt: 2,
      });
      strictEqual(again.last.state, "completed", again.last.message);
      deepStrictEqual(changes(again), [
        "ConfigMap/a: skipped",
        "ConfigMap/b: created",
      ]);
      deepStrictEqual(await dataOf(place, "a"), { k: "newer" });
      // It is done: what it is asked to do from now on, it does.
      const once = await runEvent(await next(), olderOf(namespace), {
        id: "older",
        attempt: 3,
      });
      deepStrictEqual(changes(once), [
        "ConfigMap/a: configured",
        "ConfigMap/b: unchanged",
      ]);
    });
  });
}

Deno.test("an event that was cut off undoes, after its agent has ended again, what one did that began before it", async () => {
  await inTurns(async ({ namespace, executor }, next) => {
    const newer = [configMap(namespace, "a", "k: newer")];
    const older = [configMap(namespace, "a", "k: older")];
    await cutOff(executor, "older", older);
    await cutOff(executor, "newer", newer);
    await runEvent(await next(), older, { id: "older", attempt: 2 });
    const again = await runEvent(await next(), newer, {
      id: "newer",
      attempt: 2,
    });
    deepStrictEqual(changes(again), ["ConfigMap/a: configured"]);
  });
});

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
