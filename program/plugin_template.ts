/** The type of the events of a plugin by its name. */
export function typeOf(name: string): string {
  return name.replaceAll("-", "_");
}

/** A plugin to begin with, as files by their names. */
export function pluginTemplate(
  name: string,
  supplied: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const type = typeOf(name);
  const imports = { ...supplied, valibot: "npm:valibot@1.5.0" };
  return {
    "deno.json": `${JSON.stringify({ imports }, undefined, 2)}\n`,
    "mod.ts": `import { definePlugin } from "@transporter/sdk";
import * as v from "valibot";

/** Events of type "${type}". */
export default definePlugin({
  api: 1,
  type: "${type}",
  version: "0.1.0",

  // What an event has to say; anything else is refused.
  payload: v.strictObject({
    name: v.pipe(v.string(), v.minLength(1)),
  }),

  // Does it. \`context.signal\` aborts when the event is cancelled or its time is over.
  async apply({ name }, context) {
    await context.report(\`Greeting \${name}\`);
    return { greeting: \`Hello, \${name}\` };
  },
});
`,
    "mod_test.ts": `import { silentLogger } from "@transporter/sdk";
import { testExecutor } from "@transporter/sdk/testing";
import plugin from "./mod.ts";

const signal = new AbortController().signal;

// What every executor must do: phases in order, an abort in each of them, and more.
testExecutor("${type}", {
  open: () => plugin.open({}, { signal, log: silentLogger }),
  kind: plugin.kind,
  payload: () => ({ name: "Ada" }),
  badPayloads: {
    "no name": {},
    "an unknown key": { name: "Ada", nmae: "Ada" },
  },
});
`,
    "event.yaml": `type: ${type}
target_agent: edge-7
payload:
  name: Ada
`,
  };
}
