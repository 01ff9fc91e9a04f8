import { strictEqual } from "node:assert/strict";
import { describeConflicts } from "./conflict.ts";

const BODY = `metadata:
  labels: {app.kubernetes.io/name: web}
spec:
  replicas: 1
  ports: [{port: 80, protocol: TCP, names: [a]}]
  containers:
  - {name: main, args: [a, b]}
`;

const WAY_OUT =
  '; take these fields out of the manifest, let their manager give them up, or set "force_conflicts" to take them over';

Deno.test("describeConflicts() names managers, fields, and lists that are owned as a whole", () => {
  const cases: [field: string, expected: string][] = [
    [".spec.replicas", ".spec.replicas"],
    [
      ".metadata.labels.app.kubernetes.io/name",
      ".metadata.labels.app.kubernetes.io/name",
    ],
    [
      '.spec.containers[name="main"].args',
      '.spec.containers[name="main"].args (the whole list)',
    ],
    [
      '.spec.ports[port=80,protocol="TCP"].names',
      '.spec.ports[port=80,protocol="TCP"].names (the whole list)',
    ],
    [
      '.spec.containers[name="other"].args',
      '.spec.containers[name="other"].args',
    ],
    [".spec.ports", ".spec.ports (the whole list)"],
    ['.metadata.finalizers[="x"]', '.metadata.finalizers[="x"]'],
    [".nowhere.at.all", ".nowhere.at.all"],
  ];
  for (const [field, expected] of cases) {
    strictEqual(
      describeConflicts([{ manager: "m", subresource: "", field }], BODY),
      `"m" owns ${expected}${WAY_OUT}`,
    );
  }
  strictEqual(
    describeConflicts([
      { manager: "a", subresource: "", field: ".x" },
      { manager: "b", subresource: "", field: ".y" },
      { manager: "a", subresource: "", field: ".z" },
      { manager: "a", subresource: "scale", field: ".spec.replicas" },
    ], BODY),
    `"a" owns .x, .z; "b" owns .y; "a" (by the subresource "scale") owns .spec.replicas${WAY_OUT}`,
  );
});
