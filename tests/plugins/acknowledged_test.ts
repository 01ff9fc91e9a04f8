/** What a plugin hears of ends that the control plane has. */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { openInProcess, openIsolated } from "@transporter/agent/plugin";
import { listLogger } from "../../agent/testing/agent_bench.ts";
import { entryOf, folderOf, isolation } from "./tools.ts";

const SDK = new URL("../../sdk/mod.ts", import.meta.url).href;

/** Keeps something until the end of its event is acknowledged, and says too much about it. */
const KEEPER = `
import { definePlugin } from "SDK";
export default definePlugin({
  api: 1,
  type: "keeper",
  version: "1.0.0",
  payload: {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
  },
  open: () => ({ kept: "a thing" }),
  apply: () => ({}),
  async acknowledged({ idempotencyKey, attempt, opened, secret, log }) {
    const value = await secret("token");
    log.info(\`\${idempotencyKey} \${attempt}: \${opened.kept} goes, \${value}\`);
    throw new Error(\`\${value} is of no use any more\`);
  },
});
`;

function keeper(sdk: string) {
  return folderOf({
    "mod.ts": KEEPER.replace("SDK", sdk),
    "token": "s3cret-t0k3n",
  });
}

const ENDED = {
  idempotencyKey: "e1",
  attempt: 2,
  signal: new AbortController().signal,
};

Deno.test("a plugin in the agent is told of an acknowledged end, with what it opened, and says no secret of it", async () => {
  await using dir = await keeper(SDK);
  const lines: string[] = [];
  const log = listLogger(lines);
  const entry = entryOf({
    spec: `${dir.path}/mod.ts`,
    secrets: { token: `file:${dir.path}/token` },
  }, "plugin-in-process");
  const { signal } = ENDED;
  await using executor = await openInProcess(entry, {
    ...await isolation(log),
    signal,
  });
  await rejects(
    executor.acknowledged?.({ ...ENDED, log }) ?? Promise.resolve(),
    {
      message: "[redacted] is of no use any more",
    },
  );
  match(lines.join("\n"), /^e1 2: a thing goes, \[redacted\]/m);
});

Deno.test("a plugin in a process of its own is not told, and the operator reads so", async () => {
  await using dir = await keeper("@transporter/sdk");
  const lines: string[] = [];
  const options = await isolation(listLogger(lines));
  await using executor = await openIsolated(
    entryOf(`${dir.path}/mod.ts`),
    options,
  );
  strictEqual(executor.acknowledged, undefined);
  deepStrictEqual(lines, [
    `A plugin that runs isolated is not told that ends are acknowledged {"plugin":"${dir.path}/mod.ts"}`,
  ]);
});
