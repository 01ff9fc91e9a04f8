/** What docs/k8s_resource.md says is so: its examples run, and it leaves out no option. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { isErrorCode, TransporterError } from "@transporter/sdk";
import {
  FACTS_BYTES_MAX,
  MESSAGE_CHARS_MAX,
  RESOURCES_BYTES_MAX,
} from "../../cp/report.ts";
import { FIELDS_MAX } from "../../plugins/k8s_resource/apply_calls.ts";
import { CHANGES_MAX } from "../../plugins/k8s_resource/diff.ts";
import { VALUE_CHARS_MAX } from "../../plugins/k8s_resource/mask.ts";
import { k8sResourceKind } from "../../plugins/k8s_resource/mod.ts";
import {
  ADOPTIONS,
  FIELD_VALIDATIONS,
  OPERATIONS,
  OPTIONS,
  PATCH_TYPES,
  PROPAGATIONS,
  WAITS,
} from "../../plugins/k8s_resource/options.ts";
import { repositoryTexts, ROOT } from "../files.ts";
import { AgentProcess, CpProcess, untilConnected } from "../system.ts";
import { testCluster } from "./cluster.ts";
import { openPlugin, runEvent } from "./k8s_resource.ts";
import { commandsIn, filesIn, outcomePattern, wordsOf } from "../page.ts";
import { examplesIn, outcomeOf, type PageExample } from "./page.ts";

const PAGE = await Deno.readTextFile(`${ROOT}docs/k8s_resource.md`);

/** What the examples make, and their last ones may not have taken away. */
const MADE: readonly string[] = [
  "/api/v1/namespaces/shop",
  "/api/v1/namespaces/shop-team",
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/databases.shop.example.com",
];

/** What the control plane refuses; nothing is sent then. */
async function refusal(payload: unknown): Promise<string | undefined> {
  try {
    await k8sResourceKind.check(payload);
    return undefined;
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    return `refused ${error.code}: ${error.message}\n`;
  }
}

Deno.test("docs/k8s_resource.md: its examples do what it says", async (t) => {
  await using kube = await testCluster();
  await using executor = await openPlugin({
    kubeconfig: kube.kubeconfig,
    namespace: "shop",
  });
  async function becomes({ payload }: PageExample): Promise<string> {
    const refused = await refusal(payload);
    if (refused !== undefined) return refused;
    const { manifests, ...rest } = payload;
    ok(Array.isArray(manifests));
    // What stands ends with its event's time.
    const minutes = "every" in rest ? 0.05 : 1;
    const run = await runEvent(executor, manifests, { payload: rest, minutes });
    return outcomeOf(run);
  }
  try {
    for (const example of examplesIn(PAGE)) {
      await t.step(`line ${example.line}`, async () => {
        match(await becomes(example), outcomePattern(example.outcome));
      });
    }
  } finally {
    for (const path of MADE) {
      const answer = await kube.fetch(path, { method: "DELETE" });
      await answer.body?.cancel();
    }
  }
});

Deno.test("docs/k8s_resource.md: its command lines print what it says", async (t) => {
  await using kube = await testCluster();
  await using cp = await CpProcess.start();
  await using _agent = await AgentProcess.start("edge-7", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig],
  });
  await untilConnected(cp.url, "edge-7");
  const dir = await Deno.makeTempDir();
  const files = filesIn(PAGE);
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
        const { code, stdout, stderr } = await new Deno.Command(
          Deno.execPath(),
          {
            args: ["run", "-A", `${ROOT}main.ts`, ...args, "--cp-url", cp.url],
            env: { NO_COLOR: "1" },
          },
        ).output();
        const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
        strictEqual(code, 0, text(stderr));
        const count = output.split("\n").length;
        const last = text(stdout).split("\n").slice(-count).join("\n");
        match(last, outcomePattern(output));
      });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** The codes that stand in a text of the program as words of their own; comments aside. */
function codesIn(text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
  return [...code.matchAll(/"([a-z_]+)"/g)]
    .map(([, word = ""]) => word).filter(isErrorCode);
}

/** What gives an event its end: the executor, the policies before its writes, and what ends attempts from outside. */
const ENDS = new RegExp(
  `^(${
    [
      String.raw`plugins/k8s_resource/((?!testing/)\w+/)?\w+(?<!_test)`,
      "plugins/policy/(gate|guard|judge|lately|live|match|params)",
      "agent/(control_plane_clock|recover|status|work)",
      "cp/life/(attempt|lease)",
    ].join("|")
  })\\.ts$`,
);

/** The same, where a file has other codes, too: the phases, what an unknown error becomes, and what an agent does not begin. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ["sdk/execute.ts", /function endOf\([^]*?\n\}/],
  ["sdk/error.ts", /static from\([^]*?\n {2}\}/],
  ["agent/attempt.ts", /function unfitness\([^]*?\n\}/],
  ["agent/inbox.ts", /known\.digest !== digest[^]*?\n {4}\}/],
  ["agent/inbox.ts", / #read\([^]*?\n {2}\}/],
];

Deno.test("docs/k8s_resource.md: says of every code with which an event can end what to do, and of no other", async () => {
  const texts = await repositoryTexts();
  const own = [...texts].filter(([path]) => ENDS.test(path))
    .map(([, text]) => text);
  const around = PARTS.map(([path, part]) => {
    const [text] = part.exec(texts.get(path) ?? "") ?? [];
    ok(text !== undefined, `${path} has no such part any more`);
    return text;
  });
  const wanted = new Set([...own, ...around].flatMap(codesIn));
  const table = /## Troubleshooting\n([^]*?)\n## /.exec(PAGE)?.[1] ?? "";
  const found = [...table.matchAll(/^\| `([a-z_]+)` /gm)].map(([, code]) =>
    code
  );
  deepStrictEqual(found.toSorted(), [...wanted].sort());
});

Deno.test("docs/k8s_resource.md: the limits of a result are those of the program", () => {
  const section = /## The result\n([^]*?)\n## /.exec(PAGE)?.[1] ?? "";
  const table = /\| what is kept [^]*/.exec(section)?.[0] ?? "";
  const rows = table.matchAll(/^\| [^|]* \| ([\d,]+(?: \w+)?) +\|/gm);
  const count = new Intl.NumberFormat("en");
  deepStrictEqual([...rows].map(([, limit]) => limit), [
    count.format(CHANGES_MAX),
    count.format(FIELDS_MAX),
    `${count.format(VALUE_CHARS_MAX)} characters`,
    `${count.format(MESSAGE_CHARS_MAX)} characters`,
    `${RESOURCES_BYTES_MAX / 1024 ** 2} MiB`,
    `${FACTS_BYTES_MAX / 1024} KiB`,
  ]);
});

Deno.test("docs/k8s_resource.md: every operation, every option and every word that one takes has an example", () => {
  const payloads = examplesIn(PAGE).map(({ payload }) => payload);
  const wanted = new Map<string, readonly unknown[]>([
    ...Object.keys(OPTIONS).map((name): [string, []] => [name, []]),
    ["operation", OPERATIONS.filter((name) => name !== "apply")],
    ["field_validation", FIELD_VALIDATIONS],
    ["adopt", ADOPTIONS],
    ["patch_type", PATCH_TYPES],
    ["wait", WAITS],
    ["propagation", PROPAGATIONS],
  ]);
  const missing = [...wanted].flatMap(([name, words]) => {
    const given = new Set(payloads.map((payload) => payload[name]));
    given.delete(undefined);
    if (given.size === 0) return [name];
    return words.filter((word) => !given.has(word)).map((word) =>
      `${name}: ${word}`
    );
  });
  deepStrictEqual(missing, []);
});
