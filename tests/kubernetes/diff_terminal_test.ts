import { match, ok, strictEqual } from "node:assert/strict";
import { configMap } from "./k8s_resource.ts";
import { Place } from "./terminal_place.ts";

const SIZE = { columns: 200, rows: 60 } as const;

function secret(namespace: string, password: string): string {
  return `apiVersion: v1
kind: Secret
metadata: {name: password, namespace: ${namespace}}
stringData: {password: ${password}}
`;
}

function text(namespace: string, changed: string): string {
  const lines = Array.from({ length: 12 }, (_, i) => `line ${i}`);
  return configMap(
    namespace,
    "page",
    `index.html: ${JSON.stringify(`${lines.with(6, changed).join("\n")}\n`)}`,
  );
}

Deno.test("send k8s --diff shows on a terminal in colour what an apply would change, and ends with 6 when asked to", async () => {
  await using place = await Place.open();
  const { namespace } = place;
  const set = ["--apply-set", `${namespace}/team`];
  const before = [
    text(namespace, "old"),
    secret(namespace, "hunter2"),
    configMap(namespace, "same"),
    configMap(namespace, "gone"),
  ];
  await using first = await place.send(before, SIZE, {}, ["--wait", ...set]);
  strictEqual(await first.end(), 0, first.written);
  const after = [
    text(namespace, "new"),
    secret(namespace, "hunter3"),
    configMap(namespace, "same"),
    configMap(namespace, "added", 'mode: "0644"'),
  ];
  const diff = ["--diff", "--exit-code", ...set];
  await using terminal = await place.send(after, SIZE, {}, diff, "e2");
  strictEqual(await terminal.end(), 6, terminal.written);

  const shown = terminal.screen.lines.join("\n");
  const where = `in namespace "${namespace}" would be`;
  ok(shown.includes(`\nConfigMap "page" ${where} configured\n`), shown);
  match(
    shown,
    /index\.html"\]:\n {6}…\n {6}line 3\n {6}line 4\n {6}line 5\n {2}- {3}old\n {2}\+ {3}new\n {6}line 7\n {6}line 8\n {6}line 9\n {6}…\n/,
  );
  match(
    shown,
    /- \.data\.password: hmac:\w+\n {2}\+ \.data\.password: hmac:\w+\n/,
  );
  ok(!/hunter|aHVudGVy/.test(terminal.written), "no value of a Secret");
  match(
    shown,
    RegExp(
      `"added" ${where} created\n  \\+ apiVersion: v1\n  \\+ kind: ConfigMap\n`,
    ),
  );
  ok(shown.includes('\n  + data:\n  +   mode: "0644"\n'), shown);
  ok(shown.includes(`\nConfigMap "gone" ${where} deleted\n`), shown);
  ok(!shown.includes(`"same" ${where}`), "what stays is in the table only");
  match(
    shown,
    /\(agent edge\), nothing written: 2 would be configured, 1 unchanged, 1 would be created, 1 would be deleted$/m,
  );
  ok(terminal.written.includes("\u001b[31m  -   old\u001b[39m"), "red");
  ok(terminal.written.includes("\u001b[32m  +   new\u001b[39m"), "green");
});
