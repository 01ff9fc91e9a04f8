import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { type CommandContext, examples } from "./command.ts";
import { encode } from "./encode.ts";
import { addGlobals, addGroupGlobals, LOCAL_GLOBALS } from "./globals.ts";
import type { Rights } from "./host.ts";
import type { Invocation } from "./invocation.ts";
import {
  account,
  actingOf,
  APPLY_SET_REGEXP,
  matching,
  NAME_REGEXP,
  NAMESPACE_REGEXP,
} from "./kube_options.ts";
import { collect, once, text } from "./options.ts";
import { readSources, withNames } from "./sources.ts";
import { safe } from "./text.ts";

/** The ServiceAccount of the manifests that ship. */
const ACCOUNT = "transporter/transporter-agent";

/** What the roles are called. */
const NAME = "transporter-agent-manifests";

/** Documents one after the other, or one List: `kubectl apply -f` takes both. */
function write({ objects, notes }: Rights, invocation: Invocation): void {
  for (const note of notes) invocation.note(`Note: ${safe(note)}`);
  if (invocation.format === "json") {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    return invocation.print(encode(list, "json"));
  }
  const documents = objects.map((each) => encode(each, "yaml", { flow: true }));
  invocation.print(documents.join("---\n"));
}

function addGenerate(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = parent.command("generate")
    .summary("print the least rights that an agent needs for manifests")
    .description(
      "Print the least Roles and ClusterRoles with which an agent can apply manifests, and wait until they are ready, " +
        "with their bindings. Discovery is not in them: most clusters allow it to everybody, and deploy/rights/base.yaml does.\n\n" +
        "No cluster is asked unless one is named: kinds are Kubernetes' own, or declared by a " +
        "CustomResourceDefinition among the files.",
    )
    .requiredOption(
      "-f, --manifest <SOURCE>",
      "file, folder, http(s) address, or - for standard input; repeatable",
      collect,
    )
    .option("-R, --recursive", "also look into the folders of a folder")
    .option(
      "--delete",
      "also what deleting the objects needs, and making them anew",
    )
    .option(
      "--apply-set <NAME>",
      "also what pruning this ApplySet needs: NAME or NAMESPACE/NAME of its Secret",
      matching("--apply-set", APPLY_SET_REGEXP, 'a name such as "shop/web"'),
    )
    .option("--no-wait", "without what waiting until they are ready needs")
    .option(
      "--no-events",
      "without what says in the cluster which event has changed an object",
    )
    .option(
      "--gated",
      "also what an agent with --policy-dir looks at to judge each write",
    )
    .option(
      "--any-name",
      "for all objects of these kinds, not only for those of the manifests",
    )
    .option(
      "-n, --namespace <NAMESPACE>",
      "the namespace of objects that name none (default: default)",
      matching("--namespace", NAMESPACE_REGEXP, 'a namespace such as "shop"'),
    )
    .option(
      "--name <NAME>",
      `what the roles and their bindings are called (default: ${NAME})`,
      matching("--name", NAME_REGEXP, 'a name such as "agent-shop"'),
    )
    .option(
      "--service-account <NAMESPACE/NAME>",
      `who gets them (default: ${ACCOUNT})`,
      once("--service-account", account),
    )
    .option(
      "--as <NAMESPACE/NAME>",
      "events act as this ServiceAccount: it gets the rights, and the other one that of acting as it",
      once("--as", (value) => account(value, "--as")),
    )
    .option(
      "--as-group <GROUP>",
      "a group of theirs in place of those of every ServiceAccount; repeatable",
      collect,
    )
    .option(
      "--as-extra <KEY=VALUE>",
      "a value of their extra fields; repeatable",
      collect,
    )
    .option(
      "--kubeconfig <FILE>",
      "ask the cluster of this kubeconfig for its kinds",
      once("--kubeconfig", text),
    )
    .option(
      "--kube-context <NAME>",
      "ask the cluster of this context of the kubeconfig",
      once("--kube-context", text),
    )
    .action(async (flags, self) => {
      const invocation = context.open(self);
      const { host } = invocation;
      const sources = await readSources(flags.manifest, host, {
        recursive: flags.recursive,
      });
      try {
        write(
          await host.rights({
            manifests: sources.map(({ text }) => text),
            namespace: flags.namespace,
            applySet: flags.applySet,
            name: flags.name ?? NAME,
            account: flags.serviceAccount ?? account(ACCOUNT),
            as: actingOf(flags),
            deletes: flags.delete ?? false,
            waits: flags.wait,
            tells: flags.events,
            gated: flags.gated ?? false,
            anyName: flags.anyName ?? false,
            kubeconfig: flags.kubeconfig,
            kubeContext: flags.kubeContext,
          }),
          invocation,
        );
      } catch (error) {
        throw withNames(error, sources);
      }
    });
  addGlobals(command, [...LOCAL_GLOBALS, "output", "quiet"], ["yaml", "json"]);
  examples(command, [
    [
      "What an agent needs for the manifests of a folder, given to it",
      "transporter rbac generate -f manifests/ | kubectl apply -f -",
    ],
    [
      "For another ServiceAccount, such as one that events act as",
      "transporter rbac generate -f web.yaml --service-account shop/deployer --name deployer",
    ],
    [
      "For events that act as it, with the right of the agent to do so",
      "transporter rbac generate -f web.yaml --as shop/deployer --as-group shop:deployers",
    ],
    [
      "With what deleting needs, for whatever the objects are called",
      "transporter rbac generate -f web.yaml --delete --any-name",
    ],
    [
      "With what an ApplySet is pruned with",
      "transporter rbac generate -f manifests/ --apply-set shop/web",
    ],
    [
      "With the kinds of a cluster's operators",
      "transporter rbac generate -f web.yaml --kube-context kind-edge",
    ],
  ]);
}

/** Adds `rbac`. */
export function addRbac(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const group = program.command("rbac")
    .summary("say which rights in a cluster agents need")
    .description("Say which rights in a cluster agents need.");
  addGroupGlobals(group);
  addGenerate(group, context);
  examples(group, [[
    "What an agent needs for the manifests of a folder",
    "transporter rbac generate -f manifests/",
  ]]);
}
