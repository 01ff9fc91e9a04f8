import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import type { IdentityRequest, IdentityRights } from "./host.ts";
import { run } from "./testing/host.ts";

/** The lines of `doctor` about rights. */
async function doctor(
  flags: string,
  answer: IdentityRights | TransporterError,
) {
  const asked: IdentityRequest[] = [];
  const { code, stdout, stderr } = await run(
    ["doctor", "--context", "none", ...flags.split(" ")],
    {
      rightsOf(request) {
        asked.push(request);
        return answer instanceof TransporterError
          ? Promise.reject(answer)
          : Promise.resolve(answer);
      },
    },
  );
  const lines = stdout.split("\n").filter((line) =>
    / (cluster|rights) /.test(line)
  );
  return { code, lines, stderr, asked };
}

const NOTHING = {
  cluster: undefined,
  username: "anna",
  rights: [],
  dangers: [],
  lacks: [],
};

Deno.test("doctor lists what an identity may do, and warns of what it had better not", async () => {
  const { lines, asked } = await doctor(
    "--kubeconfig k --kube-context c --service-account shop/web -n shop",
    {
      cluster: "8c51",
      username: "system:serviceaccount:shop:web",
      rights: ["get, patch configmaps"],
      dangers: ["It may list the Secrets of the whole cluster"],
      lacks: ['It may not create Events in "shop"'],
    },
  );
  const cure =
    'give it a preset of deploy/rights, or what "transporter rbac generate" prints';
  deepStrictEqual(lines, [
    'ok       cluster        It is "8c51", the uid of its namespace kube-system, which the journals of its agents hold',
    'ok       rights         "system:serviceaccount:shop:web" may do this in "shop"',
    "ok       rights         get, patch configmaps",
    `warning  rights         It may list the Secrets of the whole cluster: ${cure}`,
    `warning  rights         It may not create Events in "shop": ${cure}`,
  ]);
  deepStrictEqual(asked, [{
    kubeconfig: "k",
    kubeContext: "c",
    account: { namespace: "shop", name: "web" },
    namespace: "shop",
  }]);
});

Deno.test("doctor warns of an identity that may do nothing", async () => {
  const { lines, asked } = await doctor("--kube-context c", NOTHING);
  match(
    lines[0] ?? "",
    /^warning {2}cluster .* may not be seen, .*: allow it to get/,
  );
  match(lines[1] ?? "", /^warning .* "anna" may do nothing in "default": give/);
  deepStrictEqual(asked, [{
    kubeconfig: undefined,
    kubeContext: "c",
    account: undefined,
    namespace: "default",
  }]);
});

Deno.test("doctor fails when the cluster does not say", async () => {
  const error = new TransporterError(
    "cluster_unavailable",
    "Cannot ask the cluster who we are: nothing listens there",
  );
  const { code, lines } = await doctor("--kube-context c", error);
  strictEqual(code, 3);
  deepStrictEqual(lines, [`failed   rights         ${error.message}`]);
});

Deno.test("doctor asks no cluster unless one is named", async () => {
  const { code, stderr, asked } = await doctor("-n shop", NOTHING);
  strictEqual(code, 2);
  match(stderr, /Cannot look at rights without a cluster: name one with/);
  deepStrictEqual(asked, []);
  deepStrictEqual((await doctor("-q", NOTHING)).asked, []);
});
