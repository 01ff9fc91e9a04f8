/** What each type of rule finds, and what a binding makes of what its policy finds. */
import { deepStrictEqual } from "node:assert/strict";
import { openPolicy, policyOf, runPolicy, told } from "./testing/events.ts";

/** What is found of one object by one rule: its messages, in order. */
async function found(
  type: string,
  parameters: Readonly<Record<string, unknown>>,
  manifest: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  await using executor = await openPolicy();
  const { result } = await runPolicy(executor, {
    policy_rules: [{ name: "rule", type, parameters }],
    manifests: [manifest],
  });
  return result.resource_status.map(({ message }) => message);
}

function pod(
  containers: readonly unknown[],
  rest: Readonly<Record<string, unknown>> = {},
) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", labels: { tier: "web" } },
    spec: { containers, ...rest },
  };
}

const BARE = pod([{ name: "a", image: "nginx" }]);

Deno.test("required_label finds another value, and takes those it names", async () => {
  const parameters = { label: "tier", values: ["db", "cache"] };
  deepStrictEqual(await found("required_label", parameters, BARE), [
    'the label "tier" is "web", not one of "db", "cache"',
  ]);
  const taken = { label: "tier", values: ["db", "web"] };
  deepStrictEqual(await found("required_label", taken, BARE), []);
});

Deno.test("resource_limit looks at all containers of all that makes Pods", async () => {
  const limits = { cpu: "500m" };
  const within = { name: "a", image: "a", resources: { limits } };
  const spec = {
    initContainers: [{ name: "init", image: "a" }],
    containers: [within],
    ephemeralContainers: [{
      name: "debug",
      image: "a",
      resources: { limits: { cpu: 2 } },
    }],
  };
  const cronJob = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "a" },
    spec: { jobTemplate: { spec: { template: { spec } } } },
  };
  deepStrictEqual(
    await found("resource_limit", { resource: "cpu", max: "0.5" }, cronJob),
    [
      'the container "init" has no limit for "cpu"',
      'the container "debug" has a limit of 2 for "cpu", and 0.5 is the most',
    ],
  );
});

Deno.test("allowed_registry knows whose an image is, and no other that begins alike", async () => {
  const images = [
    "nginx",
    "library/nginx",
    "docker.io/library/nginx:1",
    "registry.example.com/a",
    "registry.example.com.evil.example/a",
    "registry.example.com:5000/a",
    "localhost/registry.example.com/a",
  ];
  const containers = images.map((image, i) => ({ name: `c${i}`, image }));
  const of = async (...registries: readonly string[]) =>
    (await found("allowed_registry", { registries }, pod(containers)))
      .map((message) => /"([^"]+)" of/.exec(message)?.[1]);
  deepStrictEqual(await of("registry.example.com"), [
    ...images.slice(0, 3),
    ...images.slice(4),
  ]);
  deepStrictEqual(
    await of("docker.io/library", "registry.example.com/"),
    images.slice(4),
  );
});

Deno.test("a rule is for the kinds that it names, by their group too", async () => {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "a" },
  };
  const forbids = (...kinds: readonly string[]) =>
    found("forbidden_kind", { kinds }, deployment);
  const message = 'the kind "Deployment" is forbidden';
  deepStrictEqual(await forbids("Deployment"), [message]);
  deepStrictEqual(await forbids("Pod", "Deployment.apps"), [message]);
  deepStrictEqual(await forbids("Deployment.example.com", "Pod"), []);
  const labels = { label: "team", kinds: ["Pod"] };
  deepStrictEqual(await found("required_label", labels, deployment), []);
});

Deno.test("cel makes its message of its own expression", async () => {
  const parameters = {
    expression: "object.metadata.name == 'b'",
    message_expression: "'it is called ' + object.metadata.name",
  };
  deepStrictEqual(await found("cel", parameters, BARE), ["it is called a"]);
});

Deno.test("what a binding does decides how bad a finding is: the worst of it", async () => {
  await using executor = await openPolicy();
  for (
    const [validationActions, severity] of [
      [["Audit"], "info"],
      [["Warn"], "warning"],
      [["Audit", "Warn"], "warning"],
      [["Deny"], "error"],
      [["Audit", "Deny"], "error"],
    ] as const
  ) {
    const audited = await runPolicy(executor, {
      policies: policyOf(
        "never",
        { validations: [{ expression: "false", message: "No" }] },
        { validationActions },
      ),
      manifests: [{
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "a" },
      }],
    });
    deepStrictEqual(told(audited), [
      `${severity} never/validations[0] ConfigMap/a: No`,
    ]);
  }
});
