import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import type { RightsRequest } from "./host.ts";
import { golden } from "./testing/golden.ts";
import { run } from "./testing/host.ts";

const MANIFEST = "kind: Namespace\n";
const files = { "a.yaml": MANIFEST, "b.yaml": "kind: Secret\n" };

const RIGHTS = {
  objects: [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "agent" },
      rules: [{
        apiGroups: [""],
        resources: ["namespaces"],
        verbs: ["get", "patch"],
      }],
    },
    { kind: "ClusterRoleBinding", subjects: [{ name: "agent" }] },
  ],
  notes: ["Something is left out"],
};

/** What the command asks for. */
async function asked(flags: string): Promise<RightsRequest | undefined> {
  let request: RightsRequest | undefined;
  const { code, stderr } = await run(
    ["rbac", "generate", ...flags.split(" ")],
    {
      files,
      rights(given) {
        request = given;
        return Promise.resolve({ objects: [], notes: [] });
      },
    },
  );
  strictEqual(code, 0, stderr);
  return request;
}

Deno.test("rbac generate asks for what its flags say, and for what is usual", async () => {
  deepStrictEqual(await asked("-f a.yaml"), {
    manifests: [MANIFEST],
    namespace: undefined,
    applySet: undefined,
    name: "transporter-agent-manifests",
    account: { namespace: "transporter", name: "transporter-agent" },
    as: undefined,
    deletes: false,
    waits: true,
    anyName: false,
    tells: true,
    gated: false,
    kubeconfig: undefined,
    kubeContext: undefined,
  });
  deepStrictEqual(
    await asked(
      "-f a.yaml -f b.yaml --delete --gated --no-wait --no-events --any-name --apply-set a/b -n shop --name edge --service-account shop/web --as shop/deployer --as-group a --as-group b --as-extra k=v=w --kubeconfig k --kube-context c",
    ),
    {
      manifests: [MANIFEST, "kind: Secret\n"],
      namespace: "shop",
      applySet: "a/b",
      name: "edge",
      account: { namespace: "shop", name: "web" },
      as: {
        account: { namespace: "shop", name: "deployer" },
        groups: ["a", "b"],
        extra: [["k", "v=w"]],
      },
      deletes: true,
      waits: false,
      anyName: true,
      tells: false,
      gated: true,
      kubeconfig: "k",
      kubeContext: "c",
    },
  );
});

for (const format of ["yaml", "json"]) {
  Deno.test(`rbac generate -o ${format} is output/rbac_generate.${format}, with what else to know beside it`, async () => {
    const { code, stdout, stderr } = await run(
      ["rbac", "generate", "-f", "a.yaml", "-o", format],
      { files, rights: () => Promise.resolve(RIGHTS) },
    );
    strictEqual(code, 0);
    strictEqual(stderr, "Note: Something is left out\n");
    await golden(`output/rbac_generate.${format}`, stdout);
  });
}

Deno.test("rbac generate names the file in which something is wrong", async () => {
  const { code, stdout, stderr } = await run(
    ["rbac", "generate", "-f", "a.yaml", "-f", "b.yaml"],
    {
      files,
      rights: () =>
        Promise.reject(
          new TransporterError(
            "unknown_kind",
            'Cannot accept manifest 2, document 1, line 1: it has no "metadata.name"',
          ),
        ),
    },
  );
  strictEqual(code, 4);
  strictEqual(stdout, "");
  match(stderr, /Cannot accept "b\.yaml", document 1, line 1: it has/);
});

for (
  const [flags, wanted] of [
    ["", /required option '-f, --manifest|needs -f|--manifest/],
    ["-f a.yaml --name A", /Cannot use --name "A": it must be a name/],
    ["-f a.yaml --apply-set a/b/c", /Cannot use --apply-set "a\/b\/c"/],
    ["-f a.yaml -n a/b", /Cannot use --namespace "a\/b"/],
    ["-f a.yaml --service-account web", /it must be NAMESPACE\/NAME/],
    ["-f a.yaml --service-account a/b/c", /it must be NAMESPACE\/NAME/],
    ["-f a.yaml --as web", /Cannot use --as "web": it must be NAMESPACE/],
    ["-f a.yaml --as-group g", /Cannot use --as-group or --as-extra without/],
    ["-f a.yaml --as a/b --as-extra k", /Cannot use --as-extra "k": it must/],
    ["-f a.yaml -n a -n b", /Cannot use --namespace twice/],
    ["-f a.yaml -o table", /table/],
    ["-f c.yaml", /Cannot find "c\.yaml"/],
  ] as const
) {
  Deno.test(`rbac generate ${flags} is refused by one sentence`, async () => {
    const { code, stderr } = await run(
      ["rbac", "generate", ...flags.split(" ").filter(Boolean)],
      { files },
    );
    strictEqual(code, 2);
    match(stderr, wanted);
    strictEqual(stderr.trimEnd().split("\n").length, 1);
  });
}
