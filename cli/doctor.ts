import { ERROR_CODES, TransporterError } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { type CommandContext, examples } from "./command.ts";
import { examine, type Finding } from "./doctor_checks.ts";
import { examineRights } from "./doctor_rights.ts";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { IdentityRequest } from "./host.ts";
import type { Invocation } from "./invocation.ts";
import { account, matching, NAMESPACE_REGEXP } from "./kube_options.ts";
import { once, text } from "./options.ts";
import type { Style } from "./paint.ts";
import { pad, safe } from "./text.ts";

const STYLES: Readonly<Record<Finding["result"], Style>> = {
  ok: "good",
  warning: "warn",
  failed: "bad",
};

/** One line; never cut, since the cure is at its end. */
function lineOf(
  { check, result, message, cure }: Finding,
  invocation: Invocation,
): string {
  const word = invocation.paint(result, STYLES[result]) +
    pad("", 9 - result.length);
  const what = cure === undefined ? message : `${message}: ${cure}`;
  return `${word}${pad(check, 15)}${safe(what)}\n`;
}

/** Whose rights are asked for, if any. */
function identityOf(flags: {
  readonly kubeconfig?: string | undefined;
  readonly kubeContext?: string | undefined;
  readonly serviceAccount?: IdentityRequest["account"];
  readonly namespace?: string | undefined;
}): IdentityRequest | undefined {
  const { kubeconfig, kubeContext, serviceAccount, namespace } = flags;
  if (kubeconfig !== undefined || kubeContext !== undefined) {
    return {
      kubeconfig,
      kubeContext,
      account: serviceAccount,
      namespace: namespace ?? "default",
    };
  }
  if (serviceAccount === undefined && namespace === undefined) return undefined;
  throw new TransporterError(
    "usage",
    "Cannot look at rights without a cluster: name one with --kubeconfig or --kube-context",
  );
}

/** Adds `doctor`. */
export function addDoctor(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = program.command("doctor")
    .summary("check what commands need, and say what to do")
    .description(
      "Check what commands need, one line each, with what to do where something is wrong. Exit code 3 when a check fails.",
    )
    .option(
      "--kubeconfig <FILE>",
      "also list what an agent with this kubeconfig may do, and what it had better not",
      once("--kubeconfig", text),
    )
    .option(
      "--kube-context <NAME>",
      "the same, with this context of the kubeconfig",
      once("--kube-context", text),
    )
    .option(
      "--service-account <NAMESPACE/NAME>",
      "with --kubeconfig or --kube-context: what this ServiceAccount may do; needs the right to impersonate it",
      once("--service-account", account),
    )
    .option(
      "-n, --namespace <NAMESPACE>",
      "with --kubeconfig or --kube-context: where (default: default)",
      matching("--namespace", NAMESPACE_REGEXP, 'a namespace such as "shop"'),
    )
    .action(async (flags, self) => {
      const invocation = context.open(self);
      const asked = identityOf(flags);
      const findings: Finding[] = [];
      const show = (finding: Finding) => {
        findings.push(finding);
        if (invocation.isTable) invocation.print(lineOf(finding, invocation));
      };
      for await (const finding of examine(invocation)) show(finding);
      if (asked !== undefined) {
        for (const finding of await examineRights(asked, invocation.host)) {
          show(finding);
        }
      }
      if (!invocation.isTable) invocation.printValue({ checks: findings });
      const isBad = findings.some(({ result }) => result === "failed");
      context.finish(isBad ? ERROR_CODES.unavailable.exit : 0);
    });
  addGlobals(command, CLIENT_GLOBALS, ["table", "json", "yaml"]);
  examples(command, [
    ["Check the control plane on this machine", "transporter doctor"],
    ["Check another one", "transporter doctor --cp-url https://cp.example.com"],
    [
      "See what the agent of a cluster may do in a namespace",
      "transporter doctor --kube-context kind-edge --service-account transporter/transporter-agent -n shop",
    ],
  ]);
}
