import { TransporterError } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import { type CommandContext, examples } from "./command.ts";
import { deliver } from "./deliver.ts";
import type { Host } from "./host.ts";
import { collect } from "./options.ts";
import { safe } from "./text.ts";
import { patchOf, payloadOptions } from "./payload_options.ts";
import {
  addSendCommand,
  checkDraft,
  deliverOptions,
  draftsOf,
  type SendFlags,
} from "./send_options.ts";
import { readSources, withNames } from "./sources.ts";

/** What `send k8s` takes besides. */
interface K8sFlags extends SendFlags {
  readonly manifest: readonly string[];
  readonly recursive?: true | undefined;
  readonly delete?: true | undefined;
  readonly propagation?: string | undefined;
  readonly applySet?: string | undefined;
  readonly diff?: true | undefined;
  readonly check?: true | undefined;
  readonly exitCode?: true | undefined;
  readonly get?: readonly string[] | undefined;
  readonly patch?: unknown;
  readonly dryRun?: true | undefined;
  readonly annotate?: true | undefined;
  readonly set?: Readonly<Record<string, unknown>> | undefined;
}

/** What the flags say of the payload besides its manifests. */
function optionsOf(flags: K8sFlags): Readonly<Record<string, unknown>> {
  const [operation, second] =
    (["delete", "diff", "check", "patch", "get"] as const)
      .filter((each) => flags[each] !== undefined);
  if (second !== undefined) {
    throw new TransporterError(
      "usage",
      `Cannot use both "--${operation}" and "--${second}": each says what is done`,
    );
  }
  const named = {
    ...(operation === undefined ? {} : { operation }),
    ...(flags.propagation === undefined
      ? {}
      : { propagation: flags.propagation }),
    ...(flags.applySet === undefined ? {} : { apply_set: flags.applySet }),
    ...(flags.get === undefined ? {} : { fields: flags.get }),
    ...(flags.patch === undefined ? {} : { patch: flags.patch }),
    ...(flags.dryRun ? { dry_run: true } : {}),
    ...(flags.annotate ? { annotate: true } : {}),
  };
  const { set = {} } = flags;
  const twice = ["manifests", ...Object.keys(named)].find((name) =>
    Object.hasOwn(set, name)
  );
  if (twice !== undefined) {
    throw new TransporterError(
      "usage",
      `Cannot use --set "${twice}" here: another flag gives it`,
    );
  }
  return { ...named, ...set };
}

async function run(flags: K8sFlags, host: Host) {
  const asks = flags.diff || flags.check || flags.get !== undefined;
  const options = deliverOptions(
    asks ? { ...flags, wait: flags.wait ?? true } : flags,
  );
  if (flags.exitCode && !flags.diff && !flags.check) {
    throw new TransporterError(
      "usage",
      "Cannot use --exit-code without --diff or --check: nothing is compared",
    );
  }
  const rest = optionsOf(flags);
  if (flags.exitCode && rest["every"] !== undefined) {
    throw new TransporterError(
      "usage",
      "Cannot use --exit-code with every: a check that goes on has no end to tell of",
    );
  }
  const base = { type: "k8s_resource", payload: {} };
  draftsOf(base, flags, host); // wrong flags show before anything is read
  const sources = await readSources(flags.manifest, host, {
    recursive: flags.recursive,
  });
  const payload = { ...rest, manifests: sources.map(({ text }) => text) };
  const drafts = draftsOf({ ...base, payload }, flags, host);
  try {
    for (const draft of drafts.slice(0, 1)) await checkDraft(draft, host);
  } catch (error) {
    throw withNames(error, sources);
  }
  return {
    drafts,
    options: { ...options, differenceCounts: flags.exitCode === true },
    every: options.goal === undefined ? undefined : rest["every"],
  };
}

/** Adds `send k8s`. */
export function addSendK8s(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = addSendCommand(parent, "k8s")
    .summary(
      "apply, compare or delete Kubernetes manifests in an agent's cluster",
    )
    .description(
      "Apply Kubernetes manifests in an agent's cluster, compare them with it, or read, patch or delete what they name.\n\n" +
        "Each file is sent as it is, byte for byte; what cannot be read as Kubernetes objects is refused before " +
        "anything is sent.",
    )
    .requiredOption(
      "-f, --manifest <SOURCE>",
      "file, folder, http(s) address, or - for standard input; repeatable",
      collect,
    )
    .option("-R, --recursive", "also look into the folders of a folder")
    .option("--delete", "delete the objects, and wait until they are gone")
    .option(
      "--diff",
      "show field by field what an apply would change; write nothing, and wait for the answer",
    )
    .option(
      "--check",
      "show what in the cluster is not as the manifests say; write nothing, and wait for the answer",
    )
    .option(
      "--exit-code",
      "with --diff or --check: end with 6 when something differs",
    )
    .option(
      "--get <PATH>",
      "read a field of the objects back, by JSONPath, and wait for the answer; repeatable",
      collect,
    )
    .option(
      "--patch <JSON>",
      "change fields of the objects that the manifests name: a merge patch, or the steps of a JSON patch",
      patchOf,
    )
    .option(
      "--propagation <HOW>",
      "with --delete: what those own goes after them (background, the default), before them (foreground), or stays (orphan)",
    )
    .option(
      "--apply-set <NAME>",
      "delete what was applied for this ApplySet before, and the manifests leave out (prune); the Secret NAME or NAMESPACE/NAME keeps account of it",
    )
    .option(
      "--dry-run",
      "ask the cluster what would happen, with all its checks; write nothing",
    )
    .option(
      "--annotate",
      "have what is changed say by which event, and from which manifest, in annotations",
    )
    .option(
      "--set <NAME=VALUE>",
      "any other option of the payload, such as force_conflicts=true; repeatable (docs/reference/k8s_resource.md lists them)",
      payloadOptions,
    )
    .action(async (flags, self) => {
      const invocation = context.open(self);
      const { drafts, options, every } = await run(flags, invocation.host);
      if (typeof every === "string") {
        invocation.note(
          `The check goes on until the ttl of its event is over, and looks every ${
            safe(every)
          }. Ctrl-C stops watching it; "transporter cancel ID" ends it`,
        );
      }
      context.finish(await deliver(invocation, drafts, options));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    [
      "Apply a file, and follow what happens",
      "transporter send k8s -f namespace.yaml --agent edge-7 --wait",
    ],
    [
      "Apply every manifest of a folder in two clusters",
      "transporter send k8s -f manifests/ --agent edge-7 --agent edge-8",
    ],
    [
      "Delete what a file names, its Pods before its Deployments",
      "transporter send k8s -f web.yaml --agent edge-7 --delete --propagation foreground --wait",
    ],
    [
      "Apply a folder, and delete what it does not have any more",
      "transporter send k8s -f manifests/ --agent edge-7 --apply-set shop/web --wait",
    ],
    [
      "See what would change, field by field",
      "transporter send k8s -f web.yaml --agent edge-7 --diff",
    ],
    [
      "Find out in a script whether an apply would change anything",
      "transporter send k8s -f web.yaml --agent edge-7 --diff --exit-code -q",
    ],
    [
      "Read back how many replicas are ready",
      "transporter send k8s -f web.yaml --agent edge-7 --get '{.status.readyReplicas}'",
    ],
    [
      "Scale what a file names",
      `transporter send k8s -f web.yaml --agent edge-7 --patch '{"spec": {"replicas": 3}}'`,
    ],
    [
      "See in which clusters somebody changed it by hand, with jq",
      "transporter send k8s -f web.yaml --agent edge-7 --agent edge-8 --check -o json | jq '.items[] | {target_agent: .spec.target_agent, objects: .result.resource_status}'",
    ],
    [
      "Take fields that another manager owns, and wait ten minutes for readiness",
      "transporter send k8s -f web.yaml --agent edge-7 --set force_conflicts=true --set timeout=10m",
    ],
    [
      "Apply what another program makes",
      "kubectl kustomize overlays/prod | transporter send k8s -f - --agent edge-7",
    ],
    [
      "Wait five minutes at most, and read the outcome with jq",
      "transporter send k8s -f web.yaml --agent edge-7 --wait --timeout 5m -o json | jq .state",
    ],
  ]);
}
