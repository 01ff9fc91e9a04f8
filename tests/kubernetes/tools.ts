/**
 * Other tools that manage objects, as they are installed on this machine.
 *
 * @module
 */
import { join } from "node:path";

/** A tool that was found. */
export interface Tool {
  /** Runs it; what it prints on both streams, and whether it succeeded. */
  run(
    args: readonly string[],
    options?: {
      readonly stdin?: string;
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<{ readonly ok: boolean; readonly text: string }>;
  /** The same; throws what it prints when it fails. */
  do(
    args: readonly string[],
    options?: {
      readonly stdin?: string;
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<string>;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * Where a tool is: what its variable says, such as `TRANSPORTER_TEST_HELM`, else
 * what the shell would find. Tests that need one are ignored without it.
 */
export function findTool(name: "kubectl" | "helm"): string | undefined {
  const named = Deno.env.get(`TRANSPORTER_TEST_${name.toUpperCase()}`);
  if (named) return named;
  return (Deno.env.get("PATH") ?? "").split(":").map((dir) => join(dir, name))
    .find(isFile);
}

/** A tool that works with a cluster, in a namespace. */
export function toolFor(
  name: "kubectl" | "helm",
  { kubeconfig, namespace }: {
    readonly kubeconfig: string;
    readonly namespace: string;
  },
): Tool {
  const path = findTool(name);
  if (path === undefined) throw new RangeError(`There is no ${name} here`);
  const run: Tool["run"] = async (args, { stdin, env } = {}) => {
    const child = new Deno.Command(path, {
      args: [...args, "--kubeconfig", kubeconfig, "--namespace", namespace],
      env: { ...env },
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(stdin));
      await writer.close();
    }
    const { success, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return {
      ok: success,
      text: decoder.decode(stdout) + decoder.decode(stderr),
    };
  };
  return {
    run,
    async do(args, options) {
      const { ok, text } = await run(args, options);
      if (!ok) throw new Error(`${name} ${args.join(" ")}: ${text}`);
      return text;
    },
  };
}
