import { deepStrictEqual, match, rejects } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { openGate } from "@transporter/plugins";
import { readPolicyDir } from "./policy_dir.ts";

const POLICY = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: any}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}
  validations:
  - expression: EXPRESSION
`;

/** Reads a folder with these files. */
async function read(files: Readonly<Record<string, string>>): Promise<unknown> {
  const dir = await Deno.makeTempDir();
  const warnings: string[] = [];
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    await using _gate = await readPolicyDir(dir, (documents) =>
      openGate({
        documents,
        cluster: {},
        warn: (warning) => warnings.push(warning),
      }));
    return warnings;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("readPolicyDir() takes what ends as YAML or JSON does, and warns of what does nothing", async () => {
  deepStrictEqual(
    await read({
      "a.yaml": POLICY.replace("EXPRESSION", "'true'"),
      "b.txt": "?",
    }),
    ['The policy "any" has no binding, so it does nothing'],
  );
});

Deno.test("readPolicyDir() refuses what nobody can judge by, and names the file", async (t) => {
  const refused: Readonly<
    Record<string, readonly [Readonly<Record<string, string>>, RegExp]>
  > = {
    "an empty folder": [{ "a.txt": "" }, /there is no file in it that ends in/],
    "no YAML": [
      { "a.yaml": POLICY.replace("EXPRESSION", "'true'"), "b.yaml": "a: [" },
      /"b\.yaml": Cannot accept manifest 2/,
    ],
    "an expression that cannot be right": [
      { "a.yaml": POLICY.replace("EXPRESSION", "object.a") },
      /must evaluate to bool but got dyn/,
    ],
    "authorizer": [
      {
        "a.yaml": POLICY.replace(
          "EXPRESSION",
          "authorizer.path('/a').check('get').allowed()",
        ),
      },
      /it asks "authorizer"/,
    ],
  };
  for (const [what, [files, message]] of Object.entries(refused)) {
    await t.step(what, async () => {
      await rejects(() => read(files), (error) => {
        match(
          (error as Error).message,
          /^Cannot start the agent with the policies in /,
        );
        match((error as Error).message, message);
        return error instanceof TransporterError && error.code === "usage";
      });
    });
  }
});

Deno.test("readPolicyDir() refuses a folder that is not there", async () => {
  await rejects(
    () => readPolicyDir("/nowhere/policies", () => Promise.resolve()),
    /Cannot start the agent with the policies in "\/nowhere\/policies": No such file/,
  );
});
