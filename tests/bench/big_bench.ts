import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace } from "../kubernetes/cluster.ts";
import { openSystem } from "./apply_bench.ts";
import type { Figure } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { memoryMb } from "./process.ts";

/** A definition whose schema makes it about as large as asked, with descriptions as generated ones have. */
function definition(index: number, bytes: number): string {
  const kind = `Big${index}`;
  const plural = `big${index}s`;
  const lines = [
    "apiVersion: apiextensions.k8s.io/v1",
    "kind: CustomResourceDefinition",
    `metadata: {name: ${plural}.bench.transporter.dev}`,
    "spec:",
    "  group: bench.transporter.dev",
    `  names: {kind: ${kind}, plural: ${plural}}`,
    "  scope: Namespaced",
    "  versions:",
    "    - name: v1",
    "      served: true",
    "      storage: true",
    "      schema:",
    "        openAPIV3Schema:",
    "          type: object",
    "          properties:",
    "            spec:",
    "              type: object",
    "              properties:",
  ];
  let size = lines.join("\n").length;
  for (let field = 0; size < bytes; field++) {
    const some = [
      `                field${field}:`,
      "                  description: |-",
      "                    What this field is for, as long as generated documentation of a field",
      "                    of a real definition is: a line or two of prose, and a link to more.",
      "                  type: object",
      "                  properties:",
      ...["name", "namespace", "key", "operator"].flatMap((name) => [
        `                    ${name}:`,
        "                      description: What it is called, where it is, and how it is compared.",
        "                      type: string",
      ]),
    ];
    lines.push(...some);
    size += some.join("\n").length + 1;
  }
  return lines.join("\n") + "\n";
}

/** Bundles of definitions in one event, and what the agent needs for them. */
export async function big(
  kube: LocalKube,
  script: string,
): Promise<Figure[]> {
  const sizes = {
    "like Argo CD's, 2 MB": [1_380_000, ...Array(6).fill(100_000)],
    "like the prometheus-operator's, 4.6 MB": Array(10).fill(460_000),
  };
  const figures: Figure[] = [];
  for (const [what, bytes] of Object.entries(sizes)) {
    await using namespace = await freshNamespace(kube);
    await using system = await openSystem(kube, script);
    const text = bytes.map((size, index) => definition(index, size)).join(
      "---\n",
    );
    const startedAt = performance.now();
    await system.run({
      id: `${namespace.name}-big`,
      payload: { manifests: [text] },
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const memory = await memoryMb(system.agent.program.pid, "VmHWM");
    await system.run({
      id: `${namespace.name}-gone`,
      payload: { operation: "delete", manifests: [text] },
    });
    figures.push({
      what: `${what} in one event, agent's memory at most`,
      value: memory,
      unit: "MB",
      bar: { atMost: 200 },
      peer: PEERS.none,
      note: `${
        (text.length / 1e6).toFixed(1)
      } MB, ${bytes.length} definitions established in ${seconds.toFixed(1)} s`,
      also: { seconds },
    });
  }
  return figures;
}
