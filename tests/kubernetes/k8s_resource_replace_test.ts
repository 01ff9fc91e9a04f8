import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  changes,
  configMapPath,
  openPlace,
  read,
  runEvent,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: { readonly uid: string };
  readonly data?: Readonly<Record<string, string>>;
}

const immutable = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nimmutable: true\ndata: {k: ${value}}\n`;

const REPLACE = { payload: { replace_immutable: true, wait: "none" } };

Deno.test("option replace_immutable: what cannot change is deleted by its uid and made anew", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = configMapPath(namespace, "a");
  await runEvent(executor, [immutable("old")]);
  const before = await read<Live>(kube, path);
  const refused = await runEvent(executor, [immutable("new")]);
  strictEqual(refused.last.error?.code, "immutable");
  deepStrictEqual(await read<Live>(kube, path), before);

  const tried = await runEvent(executor, [immutable("new")], {
    payload: { replace_immutable: true, dry_run: true },
  });
  match(tried.objects[0]?.message ?? "", /would be deleted and made anew/);
  deepStrictEqual(await read<Live>(kube, path), before);

  const run = await runEvent(executor, [immutable("new")], REPLACE);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"]);
  match(run.warnings.join(), /was deleted and made anew/);
  const after = await read<Live>(kube, path);
  deepStrictEqual(after.data, { k: "new" });
  notStrictEqual(after.metadata.uid, before.metadata.uid);
});

Deno.test("option replace_immutable: what would take more with it is kept", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const claim = (mode: string) =>
    `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [${mode}], resources: {requests: {storage: 1Gi}}}\n`;
  const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/a`;
  await runEvent(executor, [claim("ReadWriteOnce")], REPLACE);
  const { metadata } = await read<Live>(kube, path);
  const run = await runEvent(executor, [claim("ReadWriteMany")], REPLACE);
  strictEqual(run.last.error?.code, "immutable", run.last.message);
  match(run.last.message, /does not delete a PersistentVolumeClaim/);
  strictEqual((await read<Live>(kube, path)).metadata.uid, metadata.uid);
});

Deno.test("option replace_immutable: such an event is not repeated by itself", async () => {
  await using place = await openPlace();
  const manifests = [immutable("a")];
  ok(place.executor.repeatable({ manifests }));
  strictEqual(
    place.executor.repeatable({ manifests, replace_immutable: true }),
    false,
  );
});
