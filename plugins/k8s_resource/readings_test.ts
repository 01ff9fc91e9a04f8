import { notStrictEqual, strictEqual, throws } from "node:assert/strict";
import { Readings } from "./readings.ts";

const manifests = (
  name: string,
) => [`{apiVersion: v1, kind: Namespace, metadata: {name: ${name}}}`];

Deno.test("Readings.take() gives what was read, once", () => {
  const readings = new Readings();
  const first = readings.read(manifests("a"));
  strictEqual(readings.take(manifests("a")), first);
  notStrictEqual(readings.take(manifests("a")), first);
});

Deno.test("Readings forgets the oldest, and what several manifests say", () => {
  const readings = new Readings();
  const several = [...manifests("a"), ...manifests("b")];
  const both = readings.read(several);
  notStrictEqual(readings.take(several), both);
  const oldest = readings.read(manifests("a"));
  for (let i = 0; i < 64; i++) readings.read(manifests(`n${i}`));
  notStrictEqual(readings.take(manifests("a")), oldest);
});

Deno.test("Readings refuses what cannot be read, each time", () => {
  const readings = new Readings();
  throws(() => readings.read(["a: ["]), { code: "invalid_yaml" });
  throws(() => readings.take(["a: ["]), { code: "invalid_yaml" });
});
