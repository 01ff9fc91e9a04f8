/** The table by which manifests are read says what this API server makes of them. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { openPlace, runEvent, thingDefinition } from "./k8s_resource.ts";

const TABLE = new URL(
  "../../plugins/k8s_resource/testdata/yaml-scalars.tsv",
  import.meta.url,
);

/** The `spec` of an object in an answer, in the server's own letters and digits; else what it was refused with. */
function specIn(text: string): string {
  const [, spec] = /,"spec":(.*)\}\n*$/s.exec(text) ?? [];
  const [, message] = /"message":"((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
  return spec ?? `error: ${message}`;
}

Deno.test("yaml-scalars.tsv is what the API server makes of values and keys", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const group = `${namespace}.example.com`;
  const definition = [thingDefinition(group)];
  const made = await runEvent(executor, definition);
  strictEqual(made.last.state, "completed", made.last.message);
  const read = async (spec: string) => {
    const path =
      `/apis/${group}/v1/namespaces/${namespace}/things/a?fieldManager=a&dryRun=All`;
    const answer = await kube.fetch(path, {
      method: "PATCH",
      headers: { "content-type": "application/apply-patch+yaml" },
      body:
        `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\n${spec}`,
    });
    return specIn(await answer.text());
  };
  const rows = (await Deno.readTextFile(TABLE)).split("\n").filter((row) =>
    row.startsWith("value\t") || row.startsWith("key\t")
  );
  const found: string[] = [];
  for (const row of rows) {
    const [kind, written = "", expected = ""] = row.split("\t");
    const inner = kind === "value" ? `v: ${written}` : written;
    const answer = await read(`spec:\n  ${inner}\n`);
    // The table has the beginnings of errors.
    const said = answer.startsWith("error: ")
      ? answer.slice(0, expected.length)
      : answer;
    found.push(`${kind}\t${written}\t${said}`);
  }
  deepStrictEqual(found, rows);
  strictEqual(await read("spec: {a: 1, a: 2}\n"), `{"a":2}`, "a key twice");
  strictEqual(
    await read("spec: {a: 1}\n---\nspec: {a: 2}\n"),
    `{"a":1}`,
    "two documents",
  );
  await runEvent(executor, definition, { payload: { operation: "delete" } });
});
