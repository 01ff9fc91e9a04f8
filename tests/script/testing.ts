/**
 * What tests of scripts have in common: whether scripts can be confined on this
 * machine, and a whole system that runs them.
 *
 * @module
 */
import { ROOT } from "../files.ts";
import { AgentProcess, CpProcess, untilConnected } from "../system.ts";

/** What an agent beside no cluster is started with, to run scripts. */
export const FLAGS: readonly string[] = [
  "--enable",
  "script",
  "--script-interpreter",
  "sh=/bin/sh",
  "--script-interpreter",
  "bash=/usr/bin/bash",
];

/** What a command printed. */
export interface Printed {
  /** Its exit code. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** A control plane, and an agent beside no cluster that runs scripts. */
export class ScriptSystem implements AsyncDisposable {
  /** The control plane. */
  readonly cp: CpProcess;
  /** The agent, `edge-7`. */
  readonly agent: AgentProcess;

  /** Starts both. */
  static async start(flags: readonly string[] = []): Promise<ScriptSystem> {
    const cp = await CpProcess.start();
    const agent = await AgentProcess.start("edge-7", {
      cpUrl: cp.agentUrl,
      flags: [...FLAGS, ...flags],
      env: { AGENT_CANARY: "c4n4ry-of-the-agent" },
    });
    await untilConnected(cp.url, "edge-7");
    return new ScriptSystem(cp, agent);
  }

  /** Made by {@linkcode ScriptSystem.start}. */
  constructor(cp: CpProcess, agent: AgentProcess) {
    this.cp = cp;
    this.agent = agent;
  }

  /** Runs a command. */
  async transporter(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Printed> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${ROOT}main.ts`, ...args],
      env: { NO_COLOR: "1", TP_URL: this.cp.url, ...env },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.cp[Symbol.asyncDispose]();
  }
}
