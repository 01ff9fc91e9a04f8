import { match, ok, strictEqual } from "node:assert/strict";
import { until } from "../system.ts";
import type { Size } from "../terminal.ts";
import { deployment, thingDefinition, write } from "./k8s_resource.ts";
import { Place } from "./terminal_place.ts";

const SIZE: Size = { columns: 100, rows: 24 };

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `web-${i}`);
}

Deno.test("--wait on a terminal: one object has a line that changes, and goes at the end", async () => {
  await using place = await Place.open();
  const { namespace } = place;
  await using terminal = await place.send(
    [deployment(namespace, "web")],
    SIZE,
  );
  const row = RegExp(`^ {2}Deployment +${namespace}/web +waiting +\\d+s +\\S`);
  const frame = await terminal.until((lines) =>
    lines.some((line) => row.test(line))
  );
  match(frame[1] ?? "", /^ {2}(applying|verifying) +\S/);
  match(frame[2] ?? "", /^ {2}KIND +NAME +STATUS +AGE +WAITS FOR$/);
  strictEqual(frame[4], "  0 of 1 done: 1 waiting");
  strictEqual(frame.length, 5);
  // It is drawn again as time goes on, in the same place.
  await terminal.until((lines) => / waiting +[2-9]s/.test(lines[3] ?? ""));
  await place.makeReady("web");
  strictEqual(await terminal.end(), 0, terminal.written);
  const { screen } = terminal;
  const last = screen.lines.join("\n");
  match(last, /^Deployment +web +\S+ +created$/m);
  match(last, /^event\/e1 completed in \S+ \(agent edge\): 1 created$/m);
  ok(!last.includes("waiting"), last);
  strictEqual(screen.wrapped, 0);
  ok(screen.isPainted);
});

Deno.test("--wait on a terminal: of 30 objects those that are not ready stand first, also after it was resized; Ctrl-C leaves them", async () => {
  await using place = await Place.open();
  const { namespace } = place;
  await using terminal = await place.send(
    names(30).map((name) => deployment(namespace, name)),
    { columns: 100, rows: 12 },
    { NO_COLOR: "1" },
  );
  // The headline, the headings, eight objects, and a count; one line is left.
  const full = await terminal.until((lines) =>
    lines.at(-1) === "  … and 22 more; 0 of 30 done: 30 waiting"
  );
  match(full.at(-2) ?? "", /^ {2}Deployment +\S+\/web-7 +waiting /);
  await Promise.all(names(25).map((name) => place.makeReady(name)));
  const open = await terminal.until((lines) =>
    /25 of 30 done: .*25 ready/.test(lines.at(-1) ?? "")
  );
  match(open.at(-9) ?? "", /\/web-25 +waiting /);
  match(open.at(-4) ?? "", /\/web-0 +ready /);

  await terminal.resize({ columns: 60, rows: 40 });
  const wide = await terminal.until((lines) =>
    lines.at(-1) === "  25 of 30 done: 25 ready, 5 waiting"
  );
  match(wide.at(-2) ?? "", /…\S*\/web-29 +waiting/);
  const { screen } = terminal;
  ok(wide.slice(-31).every((line) => line.length < 60), wide.join("\n"));

  await terminal.type("\u0003");
  strictEqual(await terminal.end(), 5, terminal.written);
  const end = screen.lines.join("\n");
  match(
    end,
    /25 of 30 done: 25 ready, 5 waiting(\^C)?\nStopped waiting for event "e1": it goes on, and "transporter\n? ?describe event e1" shows it/,
  );
  strictEqual(screen.isPainted, false, "NO_COLOR is set");
  strictEqual((await place.event()).state, "in_progress");
  // Who looks again sees the same.
  const again = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "main.ts", "describe", "event", "e1"],
    cwd: new URL("../..", import.meta.url),
    env: { TP_URL: place.cp.url, NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(again.stdout);
  match(text, /Deployment +web-0 +\S+ +ready/);
  match(text, /Deployment +web-29 +\S+ +waiting +\S+ +\S/);
});

Deno.test("--wait on a terminal: 500 objects fit", async () => {
  await using place = await Place.open();
  const { namespace } = place;
  await using terminal = await place.send(
    names(500).map((name) => deployment(namespace, name)),
    { columns: 80, rows: 24 },
  );
  const lines = await terminal.until((lines) =>
    /… and 480 more; .*500 waiting$/.test(lines.at(-1) ?? "")
  );
  strictEqual(
    lines.filter((line) => / waiting +\d+s/.test(line)).length,
    20,
  );
  const { screen } = terminal;
  // The line of what was accepted is still there: nothing was overwritten.
  match(screen.lines[0] ?? "", /^event\/e1 accepted/);
  strictEqual(screen.wrapped, 0);
  await terminal.type("\u0003");
  strictEqual(await terminal.end(), 5);
});

/** A custom object that says of itself what it likes. */
function saying(namespace: string, group: string, message: string): string {
  return `apiVersion: ${group}/v1
kind: Thing
metadata: {name: thing, namespace: ${namespace}}
status: {conditions: [{type: Ready, status: "False", message: ${
    JSON.stringify(message)
  }}]}
`;
}

Deno.test("--wait on a terminal: what the cluster says is escaped, and wide characters are counted", async () => {
  await using place = await Place.open();
  const { namespace, kube } = place;
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const message = `\u001b[2J\r漢字${"か".repeat(100)}`;
  await using terminal = await place.send(
    [thingDefinition(group), saying(namespace, group, message)],
    { columns: 151, rows: 24 },
  );
  const lines = await terminal.until((lines) =>
    lines.some((line) => line.includes("\\u001b[2J\\r漢字かか"))
  );
  ok(lines.some((line) => line.endsWith("か…")), lines.join("\n"));
  strictEqual(terminal.screen.wrapped, 0);
  await terminal.type("\u0003");
  strictEqual(await terminal.end(), 5);
  const path =
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`;
  await write(kube, path, { method: "DELETE" });
});

Deno.test("--wait without a terminal, or on a dumb one: a line for each change of an object", async () => {
  await using place = await Place.open();
  const { namespace } = place;
  await using terminal = await place.send(
    [deployment(namespace, "a"), deployment(namespace, "b")],
    { columns: 60, rows: 10 },
    { TERM: "dumb" },
  );
  const has = (what: RegExp) => () => what.test(terminal.written);
  const time = "^ {2}\\+\\d+\\.\\d{3}s +";
  const waits = (name: string) =>
    RegExp(`${time}waiting +Deployment ${namespace}/${name}: .+\r$`, "m");
  await terminal.until(has(waits("a")));
  await terminal.until(has(waits("b")));
  await place.makeReady("a");
  await terminal.until(
    has(RegExp(`${time}ready +Deployment ${namespace}/a\r$`, "m")),
  );
  await place.makeReady("b");
  strictEqual(await terminal.end(), 0, terminal.written);
  ok(!terminal.written.includes("\u001b"), "nothing moves or is painted");
  await until(async () =>
    (await place.event()).state === "completed" || undefined
  );
});
