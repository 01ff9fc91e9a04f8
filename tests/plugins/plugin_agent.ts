import { type EventView, isTerminal } from "@transporter/sdk";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";

/** The agent of {@linkcode PluginSystem}. */
export const AGENT = "edge-7";

/** A control plane and an agent with plugins and no cluster, each a process. */
export class PluginSystem implements AsyncDisposable {
  /** The control plane. */
  readonly cp: CpProcess;
  /** The agent. */
  readonly agent: AgentProcess;

  /** Made by {@linkcode PluginSystem.start}. */
  constructor(cp: CpProcess, agent: AgentProcess) {
    this.cp = cp;
    this.agent = agent;
  }

  /** Starts both, and waits until the agent has dialled in. */
  static async start(
    flags: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<PluginSystem> {
    const cp = await CpProcess.start();
    const agent = await AgentProcess.start(AGENT, {
      cpUrl: cp.agentUrl,
      flags,
      env: { KUBERNETES_SERVICE_HOST: "", ...env },
    });
    const system = new PluginSystem(cp, agent);
    const ended = agent.program.status().then(() => {
      throw new Error(`The agent ended:\n${agent.program.output}`);
    });
    ended.catch(() => {});
    try {
      await Promise.race([untilConnected(cp.url, AGENT), ended]);
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Sends an event; resolves with its id. */
  async send(
    type: string,
    payload: unknown,
    rest: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const event = { type, target_agent: AGENT, payload, ttl: "1m", ...rest };
    const { event_id: id } = await submit(this.cp.url, event);
    return id;
  }

  /** An event as it is now. */
  async event(id: string): Promise<EventView> {
    const answer = await fetch(`${this.cp.url}/v2/events/${id}`);
    return await answer.json();
  }

  /** Waits until an event has ended. */
  async end(id: string): Promise<EventView> {
    return await until(async () => {
      const view = await this.event(id);
      return isTerminal(view.state) ? view : undefined;
    });
  }

  /** Sends an event, and waits for its end. */
  async run(
    type: string,
    payload: unknown,
    rest: Readonly<Record<string, unknown>> = {},
  ): Promise<EventView> {
    return await this.end(await this.send(type, payload, rest));
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.cp[Symbol.asyncDispose]();
  }
}
