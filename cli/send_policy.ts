import { TransporterError } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import { type CommandContext, examples } from "./command.ts";
import { deliver } from "./deliver.ts";
import type { Host } from "./host.ts";
import { FORMATS } from "./invocation.ts";
import * as read from "./options.ts";
import {
  addSendCommand,
  checkDraft,
  deliverOptions,
  draftsOf,
  type SendFlags,
} from "./send_options.ts";
import { readSources } from "./sources.ts";

/** What `send policy` takes besides. */
interface PolicyFlags extends SendFlags {
  readonly file?: readonly string[] | undefined;
  readonly rule?: readonly unknown[] | undefined;
  readonly manifest?: readonly string[] | undefined;
  readonly recursive?: true | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly namespace?: string | undefined;
  readonly selector?: string | undefined;
  readonly enforce?: true | undefined;
}

/** Collects rules; what may stand in one the check of the payload decides. */
function rules(
  value: string,
  previous: readonly unknown[] = [],
): readonly unknown[] {
  try {
    return [...previous, JSON.parse(value)];
  } catch {
    return read.refuse(
      "--rule",
      value,
      `JSON, like '{"name": "team", "type": "required_label", "parameters": {"label": "team"}}'`,
    );
  }
}

/** The live objects that are meant: a kind may have its version in front, `apps/v1/Deployment`. */
function targetsOf(
  { kind = [], namespace, selector }: PolicyFlags,
): readonly Readonly<Record<string, string>>[] {
  if (kind.length === 0 && selector !== undefined) {
    throw new TransporterError(
      "usage",
      "Cannot use --selector without --kind: it selects live objects",
    );
  }
  return kind.map((each) => {
    const slash = each.lastIndexOf("/");
    return {
      kind: each.slice(slash + 1),
      ...(slash === -1 ? {} : { api_version: each.slice(0, slash) }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(selector === undefined ? {} : { label_selector: selector }),
    };
  });
}

async function payloadOf(
  flags: PolicyFlags,
  host: Host,
): Promise<Readonly<Record<string, unknown>>> {
  const { file = [], rule, manifest = [], recursive, enforce, namespace } =
    flags;
  const targets = targetsOf(flags);
  const textsOf = async (names: readonly string[]) =>
    (await readSources(names, host, { recursive })).map(({ text }) => text);
  return {
    ...(file.length === 0 ? {} : { policies: await textsOf(file) }),
    ...(rule === undefined ? {} : { policy_rules: rule }),
    ...(manifest.length === 0 ? {} : { manifests: await textsOf(manifest) }),
    ...(targets.length === 0 ? {} : { targets }),
    ...(namespace !== undefined && manifest.length > 0 ? { namespace } : {}),
    ...(enforce ? { mode: "enforce" } : {}),
  };
}

async function run(flags: PolicyFlags, host: Host) {
  // It asks, so the answer is waited for.
  const options = deliverOptions({ ...flags, wait: flags.wait ?? true });
  const base = { type: "policy", payload: {} };
  draftsOf(base, flags, host); // wrong flags show before anything is read
  const payload = await payloadOf(flags, host);
  const drafts = draftsOf({ ...base, payload }, flags, host);
  for (const draft of drafts.slice(0, 1)) await checkDraft(draft, host);
  return { drafts, options };
}

/** Adds `send policy`. */
export function addSendPolicy(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = addSendCommand(parent, "policy")
    .summary("judge manifests, or the objects of an agent's cluster")
    .description(
      "Judge manifests, or the objects of an agent's cluster, by ValidatingAdmissionPolicies and by rules, and wait for " +
        "what is found.\n\n" +
        "Nothing is changed. What cannot be read or is not supported is refused before anything is sent.",
    )
    .option(
      "-f, --file <SOURCE>",
      "policies with their bindings, and what they look things up in: file, folder, http(s) address, or - for standard input; repeatable",
      read.collect,
    )
    .option(
      "--rule <JSON>",
      "a rule by which is judged, too; repeatable",
      rules,
    )
    .option(
      "-m, --manifest <SOURCE>",
      "manifests that are judged; repeatable",
      read.collect,
    )
    .option("-R, --recursive", "also look into the folders of a folder")
    .option(
      "--kind <KIND>",
      "live objects that are judged, such as Pod or apps/v1/Deployment; repeatable",
      read.collect,
    )
    .option(
      "-n, --namespace <NAME>",
      "only the live objects of this namespace; that of manifests that name none (default: all; default)",
      read.once("-n", read.text),
    )
    .option(
      "--selector <SELECTOR>",
      "only the live objects with these labels, such as app=web,tier!=test",
      read.once("--selector", read.text),
    )
    .option("--enforce", "fail when something of severity error is found")
    .action(async (flags, self) => {
      const invocation = context.open(self);
      const { drafts, options } = await run(flags, invocation.host);
      context.finish(await deliver(invocation, drafts, options));
    });
  addGlobals(command, CLIENT_GLOBALS, [...FORMATS, "sarif"]);
  examples(command, [
    [
      "Judge the Pods of a cluster by a policy and its binding",
      "transporter send policy -f policy.yaml --agent edge-7 --kind Pod",
    ],
    [
      "Judge manifests before they are applied, and fail when they break it",
      "transporter send policy -f policies/ -m manifests/ --agent edge-7 --enforce",
    ],
    [
      "See which Deployments have no label that says whose they are",
      `transporter send policy --rule '{"name": "team", "type": "required_label", "parameters": {"label": "team"}}' --agent edge-7 --kind Deployment`,
    ],
    [
      "Findings for programs that read those of any tool",
      "transporter send policy -f policies/ --agent edge-7 --kind Pod -n shop -o sarif > findings.sarif",
    ],
  ]);
}
