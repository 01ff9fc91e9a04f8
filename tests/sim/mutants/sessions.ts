/**
 * Sessions that begin, go on or end otherwise than they should.
 *
 * @module
 */
import type { Dial, Link, Wire } from "@transporter/sdk";
import type { AgentOptions } from "../../../agent/options.ts";
import type { Dispatch, DispatchTarget } from "../../../cp/dispatch.ts";
import { Dispatcher } from "../../../cp/dispatcher.ts";
import { Incoming } from "../../../cp/incoming.ts";
import { Session } from "../../../cp/session.ts";
import { all, type Mutant, replace } from "./mutant.ts";

const unregisterByName: Mutant = {
  name: "unregister-by-name",
  upstream: ["F21"],
  does: "Closes, at the end of a session, whichever one its agent has then.",
  breaks: ["S1"],
  budget: 50,
  plant() {
    const current = new Map<string, Link>();
    const targets = new WeakMap<Dispatch, DispatchTarget>();
    return {
      patch: () =>
        all(
          replace(Dispatcher.prototype, "open", (open) =>
            async function (this: Dispatcher, target) {
              current.set(target.agent, target.link);
              const dispatch = await open.call(this, target);
              targets.set(dispatch, target);
              return dispatch;
            }),
          replace(Incoming.prototype, "finish", (finish) =>
            async function (this: Incoming) {
              await finish.call(this);
              const target = this.dispatch && targets.get(this.dispatch);
              if (target !== undefined) {
                current.get(target.agent)?.close();
              }
            }),
        ),
    };
  },
};

const silentSessionKept: Mutant = {
  name: "silent-session-kept",
  upstream: ["F28"],
  does: "Keeps the session of an agent that nothing was heard from for 45 s.",
  breaks: ["G14"],
  budget: 200,
  plant: () => ({
    patch: () =>
      replace(
        Session.prototype,
        "close",
        (close) =>
          function (this: Session, reason) {
            if (reason.code === "timeout") return Promise.resolve();
            return close.call(this, reason);
          },
      ),
  }),
};

/** An agent that dials in another way. */
function withDial(
  options: AgentOptions,
  make: (dial: Dial) => Dial,
): AgentOptions {
  const dials = Object.entries(options.dials).map(([scheme, dial]) =>
    [scheme, make(dial)] as const
  );
  return { ...options, dials: Object.fromEntries(dials) };
}

const neverReconnects: Mutant = {
  name: "agent-never-reconnects",
  upstream: ["F22"],
  does: "Connects once in the life of an agent's process.",
  breaks: ["G1", "G14"],
  budget: 50,
  plant: () => ({
    agent: (options) =>
      withDial(options, (dial) => {
        let connected = false;
        return async (url, how) => {
          if (connected) await new Promise(() => {});
          const wire = await dial(url, how);
          connected = true;
          return wire;
        };
      }),
  }),
};

/** A wire whose welcome allows any silence. */
function patient(wire: Wire): Wire {
  async function* frames(): AsyncGenerator<string> {
    for await (const text of wire.frames) {
      yield text.startsWith('{"type":"welcome"')
        ? text.replace(/"idle_ms":\d+/, '"idle_ms":1000000000')
        : text;
    }
  }
  return {
    frames: frames(),
    send: (frame) => wire.send(frame),
    close: (reason) => wire.close(reason),
  };
}

const agentTrustsSilence: Mutant = {
  name: "no-agent-side-heartbeat",
  upstream: ["F22"],
  does: "Lets an agent wait for ever for a control plane that is silent.",
  breaks: ["G1", "G14"],
  budget: 300,
  plant: () => ({
    agent: (options) =>
      withDial(
        options,
        (dial) => async (url, how) => patient(await dial(url, how)),
      ),
  }),
};

/** All of them. */
export const SESSIONS: readonly Mutant[] = [
  unregisterByName,
  silentSessionKept,
  neverReconnects,
  agentTrustsSilence,
];
