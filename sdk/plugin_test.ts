import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { TransporterError } from "./error.ts";
import type { PluginContext } from "./executor.ts";
import { silentLogger } from "./log.ts";
import { definePlugin, readPlugin, readPluginConfig } from "./plugin.ts";
import type { Schema } from "./schema.ts";

const anything: Schema<unknown> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({ value }),
  },
};

const CONTEXT: PluginContext = {
  signal: new AbortController().signal,
  log: silentLogger,
};

const BASE = { api: 1, type: "greet", version: "1.0.0", payload: anything };

Deno.test("definePlugin() without anything else runs alone, once, and takes no config", async () => {
  const plugin = definePlugin({ ...BASE, apply: (plan) => plan });
  const executor = await plugin.open({}, CONTEXT);
  deepStrictEqual(executor.keys({}), ["*"]);
  strictEqual(executor.repeatable({}), false);
  strictEqual(executor.standing({}), false);
  deepStrictEqual(await readPluginConfig(plugin, undefined, "x"), {});
  await rejects(readPluginConfig(plugin, { a: 1 }, 'the plugin "x"'), {
    code: "usage",
    message:
      'Cannot use the config of the plugin "x": "config.a": not known, as this plugin takes no config',
  });
});

Deno.test("definePlugin() lends what it opened to each phase, and disposes of it once", async () => {
  let disposed = 0;
  const plugin = definePlugin({
    ...BASE,
    open: () => ({ name: "client", [Symbol.dispose]: () => void disposed++ }),
    apply: (_, { opened }) => ({ by: opened.name }),
  });
  const executor = await plugin.open({}, CONTEXT);
  const context = {} as Parameters<typeof executor.apply>[1];
  deepStrictEqual(await executor.apply({}, context), { by: "client" });
  await executor[Symbol.asyncDispose]();
  await executor[Symbol.asyncDispose]();
  strictEqual(disposed, 1);
});

Deno.test("definePlugin() has check() refuse at submit, and again when the event runs", async () => {
  const plugin = definePlugin({
    ...BASE,
    check() {
      throw new TransporterError("invalid", "Cannot greet at night");
    },
    apply: () => ({}),
  });
  const wanted = { code: "invalid" };
  await rejects(plugin.kind.check({}), wanted);
  const executor = await plugin.open({}, CONTEXT);
  const context = {} as Parameters<typeof executor.apply>[1];
  await rejects(executor.validate({}, context), wanted);
});

Deno.test("readPlugin() refuses what is no plugin, and another version of the interface", () => {
  const plugin = definePlugin({ ...BASE, apply: () => ({}) });
  strictEqual(readPlugin({ default: plugin }, "x"), plugin);
  for (const module of [{}, { default: {} }, undefined, { greet: plugin }]) {
    throws(() => readPlugin(module, "x"), { code: "usage" });
  }
  throws(() => readPlugin({ default: { ...plugin, api: 2 } }, "x"), {
    code: "unsupported_version",
    message:
      'Cannot use the plugin "x" as it is written for version 2 of the plugin interface: this program has version 1',
  });
  throws(() => readPlugin({ default: { ...plugin, type: "a b" } }, "x"), {
    code: "usage",
  });
});

Deno.test("TransporterError.from() keeps the code of a copy of the class", () => {
  const copy = Object.assign(new Error("No"), {
    name: "TransporterError",
    code: "denied",
    details: { a: 1 },
  });
  const error = TransporterError.from(copy);
  deepStrictEqual(error.toJSON(), {
    code: "denied",
    message: "No",
    details: { a: 1 },
  });
});
