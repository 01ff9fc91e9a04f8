/** What docs/policy.md says is so: its command lines print what it says. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FIELDS } from "../../plugins/policy/fields.ts";
import { payloadSchema } from "../../plugins/policy/payload.ts";
import { ROOT } from "../files.ts";
import { commandsIn, filesIn, outcomePattern, wordsOf } from "../page.ts";
import { AgentProcess, CpProcess, untilConnected } from "../system.ts";
import { testCluster } from "./cluster.ts";

const PAGE = await Deno.readTextFile(`${ROOT}docs/policy.md`);

Deno.test("docs/policy.md: its command lines print what it says", async (t) => {
  await using kube = await testCluster();
  await using cp = await CpProcess.start();
  await using _agent = await AgentProcess.start("edge-7", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig],
  });
  await untilConnected(cp.url, "edge-7");
  const dir = await Deno.makeTempDir();
  const files = filesIn(PAGE);
  const policies = `${dir}/policies`;
  await Deno.mkdir(policies);
  await Deno.writeTextFile(
    `${policies}/replicas.yaml`,
    files.get("replicas.yaml") ?? "",
  );
  await using _strict = await AgentProcess.start("edge-8", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig, "--policy-dir", policies],
  });
  await untilConnected(cp.url, "edge-8");
  try {
    for (const [name, text] of files) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    for (const { command, output } of commandsIn(PAGE)) {
      await t.step(command, async () => {
        const [program, ...args] = wordsOf(command).map((word) =>
          files.has(word) ? `${dir}/${word}` : word
        );
        strictEqual(program, "transporter");
        const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", `${ROOT}main.ts`, ...args, "--cp-url", cp.url],
          env: { NO_COLOR: "1" },
        }).output();
        const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
        const progress = /^ {2}\+.*\n/gm;
        const all = text(stdout) + text(stderr).replace(progress, "");
        const count = output.split("\n").length;
        const last = all.split("\n").slice(-count).join("\n");
        match(last, outcomePattern(output));
      });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("docs/reference/policy.md: has every field of the payload", () => {
  const { script: _, args: __, ...fields } = payloadSchema.pipe[0].entries;
  deepStrictEqual(Object.keys(FIELDS), Object.keys(fields));
});
