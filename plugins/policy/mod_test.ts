import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { testExecutor } from "@transporter/sdk/testing";
import { compile, DYN, Meter } from "../cel/mod.ts";
import { readAudit, runAudit } from "./audit.ts";
import { policyKind } from "./mod.ts";
import { openPolicy, policyOf, runPolicy, told } from "./testing/events.ts";

const RULE = {
  name: "team",
  type: "required_label",
  parameters: { label: "team" },
};

function configMap(name: string, rest: Readonly<Record<string, unknown>> = {}) {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "shop", ...rest },
    data: { a: "b" },
  };
}

const MANIFESTS = [configMap("a")];

/** Payloads that can never succeed, and what is said of them. */
const REFUSED: Readonly<
  Record<
    string,
    readonly [Readonly<Record<string, unknown>>, string, RegExp]
  >
> = {
  "nothing to judge by": [
    { manifests: MANIFESTS },
    "invalid",
    /nothing to judge by/,
  ],
  "nothing to judge": [{ policy_rules: [RULE] }, "invalid", /nothing to judge/],
  "a namespace for manifests, and none of those": [
    { policy_rules: [RULE], targets: [{ kind: "Pod" }], namespace: "shop" },
    "invalid",
    /"namespace" is only for "manifests": a target has a "namespace" of its own/,
  ],
  "a selector that is none": [
    {
      policy_rules: [RULE],
      targets: [{ kind: "Pod", label_selector: "app=web=a" }],
    },
    "invalid",
    /"targets\.0\.label_selector": a selector such as "app=web" is needed/,
  ],
  "an unknown key": [
    { policy_rules: [RULE], manifest: [] },
    "invalid",
    /"manifest": unknown key; the nearest is "manifests"/,
  ],
  "an unknown mode": [
    { policy_rules: [RULE], manifests: MANIFESTS, mode: "warn" },
    "invalid",
    /one of "audit" and "enforce" is needed/,
  ],
  "a rule of an unknown type": [
    {
      policy_rules: [{ name: "x", type: "required_lable" }],
      manifests: MANIFESTS,
    },
    "invalid",
    /rule "x": "type": no such type; the nearest is "required_label"/,
  ],
  "a rule with an unknown parameter": [
    {
      policy_rules: [{ ...RULE, parameters: { label: "a", value: "b" } }],
      manifests: MANIFESTS,
    },
    "invalid",
    /rule "team": "parameters\.value": unknown; "required_label" takes "label", "values", "kinds"/,
  ],
  "a rule without what it needs": [
    { policy_rules: [{ name: "x", type: "cel" }], manifests: MANIFESTS },
    "invalid",
    /rule "x": "parameters\.expression": it is needed/,
  ],
  "a limit that is no amount": [
    {
      policy_rules: [{
        name: "x",
        type: "resource_limit",
        parameters: { resource: "cpu", max: "lots" },
      }],
      manifests: MANIFESTS,
    },
    "invalid",
    /an amount such as "500m" or "1Gi" is needed/,
  ],
  "an expression that is none": [
    {
      policy_rules: [{
        name: "x",
        type: "cel",
        parameters: { expression: "1 +" },
      }],
      manifests: MANIFESTS,
    },
    "invalid",
    /validations\[0\] of the policy "x": syntax error/,
  ],
  "an expression that says no yes or no": [
    {
      policies: policyOf("x", { validations: [{ expression: "object.data" }] }),
      manifests: MANIFESTS,
    },
    "invalid",
    /validations\[0\] of the policy "x": must evaluate to bool but got dyn/,
  ],
  "request in an audit": [
    {
      policies: policyOf("x", {
        validations: [{ expression: "request.userInfo.username != 'a'" }],
      }),
      manifests: MANIFESTS,
    },
    "unsupported",
    /validations\[0\] of the policy "x": it reads "request"/,
  ],
  "authorizer": [
    {
      policies: policyOf("x", {
        matchConditions: [{
          name: "a",
          expression:
            "authorizer.group('').resource('pods').check('get').allowed()",
        }],
      }),
      manifests: MANIFESTS,
    },
    "unsupported",
    /matchConditions\[0\] of the policy "x": it asks "authorizer"/,
  ],
  "a variable that comes later": [
    {
      policies: policyOf("x", {
        variables: [{ name: "a", expression: "variables.b" }, {
          name: "b",
          expression: "1",
        }],
        validations: [{ expression: "variables.a == 1" }],
      }),
      manifests: MANIFESTS,
    },
    "invalid",
    /variables\[0\] of the policy "x": undefined field 'b'/,
  ],
  "params without a kind of them": [
    {
      policies: policyOf("x", {
        validations: [{ expression: "params.a == 1" }],
      }),
      manifests: MANIFESTS,
    },
    "invalid",
    /undeclared reference to 'params'/,
  ],
  "Deny with Warn": [
    {
      policies: policyOf("x", {}, { validationActions: ["Deny", "Warn"] }),
      manifests: MANIFESTS,
    },
    "invalid",
    /"Deny" and "Warn" must not be used together/,
  ],
  "a name and a selector of params": [
    {
      policies: policyOf("x", {}, {
        paramRef: { name: "a", selector: {}, parameterNotFoundAction: "Deny" },
      }),
      manifests: MANIFESTS,
    },
    "invalid",
    /either "name" or "selector" is needed/,
  ],
  "an unknown field of a policy": [
    { policies: policyOf("x", { validation: [] }), manifests: MANIFESTS },
    "invalid",
    /ValidatingAdmissionPolicy "x" .*"spec\.validation": no such field/,
  ],
  "a policy that changes objects": [
    {
      policies: [{
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "MutatingAdmissionPolicy",
        metadata: { name: "m" },
        spec: {},
      }],
      manifests: MANIFESTS,
    },
    "unsupported",
    /MutatingAdmissionPolicy "m" .*it changes objects/,
  ],
  "another kind among the policies": [
    { policies: MANIFESTS, manifests: MANIFESTS },
    "invalid",
    /ConfigMap "a" .*only a ValidatingAdmissionPolicy/,
  ],
  "a binding without its policy": [
    { policies: policyOf("x", {}).slice(1), manifests: MANIFESTS },
    "invalid",
    /it binds the policy "x", which is not here/,
  ],
  "manifests that are none": [
    { policy_rules: [RULE], manifests: ["a: ["] },
    "invalid_yaml",
    /manifest 1/,
  ],
};

testExecutor("policy", {
  open: () => openPolicy(),
  kind: policyKind,
  payload: () => ({ policy_rules: [RULE], manifests: MANIFESTS }),
  badPayloads: Object.fromEntries(
    Object.entries(REFUSED).map(([what, [payload]]) => [what, payload]),
  ),
});

Deno.test("check() refuses what can never succeed, by name", async (t) => {
  for (const [what, [payload, code, message]] of Object.entries(REFUSED)) {
    await t.step(what, async () => {
      await rejects(() => policyKind.check(payload), (error) => {
        strictEqual((error as TransporterError).code, code);
        match((error as TransporterError).message, message);
        return error instanceof TransporterError;
      });
    });
  }
});

Deno.test("rules judge manifests without a cluster", async () => {
  await using executor = await openPolicy();
  const pod = {
    containers: [
      {
        name: "a",
        image: "registry.example.com/a:1",
        resources: { limits: { memory: "2Gi" } },
      },
      { name: "b", image: "nginx" },
    ],
  };
  const audited = await runPolicy(executor, {
    policy_rules: [
      RULE,
      {
        name: "memory",
        type: "resource_limit",
        parameters: { resource: "memory", max: "1Gi" },
        severity: "warning",
      },
      {
        name: "registry",
        type: "allowed_registry",
        parameters: { registries: ["registry.example.com"] },
      },
      {
        name: "no-secrets",
        type: "forbidden_kind",
        parameters: { kinds: ["Secret"] },
        severity: "info",
      },
      {
        name: "short",
        type: "cel",
        description: "Names are short",
        parameters: {
          expression: "object.metadata.name.size() < 4",
          kinds: ["Deployment"],
        },
      },
    ],
    manifests: [
      configMap("web", { labels: { team: "a" } }),
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "s", labels: { team: "a" } },
      },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "shop" },
        spec: { template: { spec: pod } },
      },
    ],
  });
  strictEqual(audited.last.state, "completed");
  deepStrictEqual(told(audited), [
    'error team/required_label Deployment/shop: the label "team" is missing',
    'error registry/allowed_registry Deployment/shop: the image "nginx" of the container "b" is not from "registry.example.com"',
    "error short/validations[0] Deployment/shop: Names are short",
    'warning memory/resource_limit Deployment/shop: the container "a" has a limit of 2Gi for "memory", and 1Gi is the most',
    'warning memory/resource_limit Deployment/shop: the container "b" has no limit for "memory"',
    'info no-secrets/forbidden_kind Secret/s: the kind "Secret" is forbidden',
  ]);
  deepStrictEqual(audited.result.summary, {
    objects: 3,
    error: 3,
    warning: 2,
    info: 1,
  });
  deepStrictEqual(audited.result.warnings, [
    "The manifests are judged as they are, without the defaults that a cluster would add",
  ]);
});

Deno.test("enforce ends the event with what does not hold; what only warns does not", async () => {
  await using executor = await openPolicy();
  const payload = {
    policy_rules: [RULE],
    manifests: MANIFESTS,
    mode: "enforce",
  };
  const { last, result } = await runPolicy(executor, payload);
  strictEqual(last.state, "failed");
  strictEqual(last.error?.code, "denied");
  strictEqual(
    last.error?.message,
    'The policy "team" (required_label) does not hold for ConfigMap "a" in namespace "shop": the label "team" is missing',
  );
  strictEqual(result.summary.error, 1);
  const warns = await runPolicy(executor, {
    ...payload,
    policy_rules: [{ ...RULE, severity: "warning" }],
  });
  strictEqual(warns.last.state, "completed");
});

Deno.test("a policy without a binding does nothing, and says so", async () => {
  await using executor = await openPolicy();
  const audited = await runPolicy(executor, {
    policies: policyOf("alone", { validations: [{ expression: "false" }] })
      .slice(0, 1),
    manifests: MANIFESTS,
  });
  deepStrictEqual(told(audited), []);
  strictEqual(
    audited.result.warnings?.[0],
    'The policy "alone" has no binding, so it does nothing',
  );
});

Deno.test("the values of Secrets show in no finding", async () => {
  await using executor = await openPolicy();
  const rule = {
    apiGroups: [""],
    apiVersions: ["v1"],
    operations: ["*"],
    resources: ["secrets"],
  };
  const audited = await runPolicy(executor, {
    policies: policyOf("secrets", {
      matchConstraints: { resourceRules: [rule] },
      validations: [
        { expression: "false", messageExpression: "'it is ' + object.data.a" },
        { expression: "int(object.data.a) > 0" },
      ],
      auditAnnotations: [{
        key: "value",
        valueExpression: "string(object.data.a)",
      }],
    }),
    manifests: [{
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      stringData: { a: "hidden" },
    }],
  });
  strictEqual(audited.result.summary.error, 2);
  strictEqual(JSON.stringify(audited.last).includes(btoa("hidden")), false);
});

Deno.test("an expression that costs too much is a finding, by name", async () => {
  await using executor = await openPolicy();
  const loop =
    "object.data.all(a, object.data.all(b, object.data.all(c, true)))";
  const data = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`k${index}`, "v"]),
  );
  const audited = await runPolicy(executor, {
    policies: policyOf("loop", { validations: [{ expression: loop }] }),
    manifests: [{ ...configMap("a"), data }],
  });
  deepStrictEqual(told(audited), [
    `error loop/validations[0] ConfigMap/a: expression '${loop}' resulted in error: operation cancelled: actual cost limit exceeded`,
  ]);
});

/** An expression about {@linkcode MANY}, and what a run of it costs. */
const LOOP =
  "object.data.all(a, object.data.all(b, a.size() + b.size() > 0 && true))";
const MANY = Object.fromEntries(
  Array.from({ length: 250 }, (_, index) => [`k${index}`, "v"]),
);

function costOfLoop(): number {
  const meter = new Meter();
  compile(LOOP, { object: DYN }).run([{ data: MANY }], meter);
  return meter.cost;
}

Deno.test("the expressions of a policy have 10,000,000 together, and its conditions 2,500,000", async (t) => {
  await using executor = await openPolicy();
  const manifests = [{ ...configMap("a"), data: MANY }];
  const expression = LOOP;
  const OUT =
    "validation failed due to running out of cost budget, no further validation rules will be run";
  const fitting = Math.floor(10_000_000 / costOfLoop());
  const inConditions = Math.floor(2_500_000 / costOfLoop());
  ok(fitting > inConditions && inConditions > 0);
  for (const more of [0, 1]) {
    await t.step(
      `with ${more} expression more than there is room for`,
      async () => {
        const audited = await runPolicy(executor, {
          policies: [
            ...policyOf("rules", {
              validations: Array(fitting + more).fill({ expression }),
            }),
            ...policyOf("conditions", {
              matchConditions: Array.from(
                { length: inConditions + more },
                (_, index) => ({ name: `c${index}`, expression }),
              ),
              validations: [{ expression: "false", message: "it was judged" }],
            }),
          ],
          manifests,
        });
        deepStrictEqual(
          told(audited),
          more === 0
            ? ["error conditions/validations[0] ConfigMap/a: it was judged"]
            : [
              `error rules/validations ConfigMap/a: ${OUT}`,
              `error conditions/matchConditions ConfigMap/a: ${OUT}`,
            ],
        );
      },
    );
  }
});

Deno.test("live objects need a cluster", async () => {
  await using executor = await openPolicy();
  const { last } = await runPolicy(executor, {
    policy_rules: [RULE],
    targets: [{ kind: "Pod" }],
  });
  strictEqual(last.error?.code, "no_cluster");
});

Deno.test("an audit lets others have their turn, and ends when it is cancelled", async () => {
  const loop =
    "object.data.all(a, object.data.all(b, a.size() + b.size() > 0))";
  const data = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [`k${index}`, "v"]),
  );
  const manifests = Array.from(
    { length: 200 },
    (_, index) => ({ ...configMap(`m${index}`), data }),
  );
  const audit = await readAudit({
    policies: [
      ...policyOf("loop", { validations: [{ expression: loop }] }),
    ],
    manifests,
  });
  const cancel = new AbortController();
  const timer = setInterval(() => cancel.abort());
  try {
    await rejects(
      () =>
        runAudit(audit, {
          signal: cancel.signal,
          open: () => Promise.resolve(undefined),
          report: () => Promise.resolve(),
        }),
      { name: "AbortError" },
    );
  } finally {
    clearInterval(timer);
  }
});
