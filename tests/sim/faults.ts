import type { AgentNode } from "./agent.ts";
import type { OldAgentNode } from "./agent_v1.ts";
import { type ControlPlanes, oneOf } from "./control_plane.ts";
import { HEALTHY } from "./disk.ts";
import type { Loop } from "./loop.ts";
import type { Network } from "./network.ts";
import type { Death, Node } from "./node.ts";
import type { Random } from "./random.ts";
import { WELL } from "./store.ts";

/** What faults are done to. */
export interface Targets {
  /** Where time comes from. */
  readonly loop: Loop;
  /** Where chance comes from. */
  readonly random: Random;
  /** What is between the machines. */
  readonly network: Network;
  /** The machine of the control plane, or of several over one store. */
  readonly controlPlanes: ControlPlanes;
  /** The machines of agents. */
  readonly agents: readonly [AgentNode, ...AgentNode[]];
  /** The machine of an agent of version 1, which some runs have. */
  readonly old: OldAgentNode | undefined;
  /** Has the reader look at all that is open, now. */
  readonly look: () => void;
}

/** A fault: does it, and says what it was done to. */
type Fault = (targets: Targets) => string;

/** Milliseconds that something is gone, or slow: mostly short, sometimes long. */
function span(random: Random): number {
  return random.exponential(random.chance(0.2) ? 15_000 : 1500);
}

function death(how: Death, of: (targets: Targets) => Node): Fault {
  return (targets) => {
    const node = of(targets);
    end(node, how, targets);
    return node.machine.name;
  };
}

function end(node: Node, how: Death, { loop, random }: Targets): void {
  if (node.healed) return;
  node.die(how, span(random));
  // The moments after a start are suspicious: sometimes the next one comes there.
  if (!random.chance(0.3)) return;
  const dieAgain = () => {
    node.started = undefined;
    loop.after(random.between(1, 200), "second death", () => {
      if (!node.healed) node.die("power", span(random));
    });
  };
  node.started = dieAgain;
}

/** Milliseconds after a write in which what it wrote is on its way to the platter. */
const WRITING_MS = 4;

/** The control plane ends while it writes, and somebody has just looked. */
function deathInWriting(how: Death): Fault {
  return (targets) => {
    const { loop, random, look } = targets;
    if (random.chance(0.5)) return death(how, theControlPlane)(targets);
    const controlPlane = theControlPlane(targets);
    const die = () => {
      controlPlane.disk.written = undefined;
      look();
      loop.after(random.between(0, WRITING_MS), "death", () => {
        end(controlPlane, how, targets);
      });
    };
    controlPlane.disk.written = die;
    return controlPlane.machine.name;
  };
}

const anAgent = ({ agents, random }: Targets) => random.pick(agents);
const theControlPlane = ({ controlPlanes, random }: Targets) =>
  oneOf(controlPlanes, random);

function terminate(of: (targets: Targets) => Node): Fault {
  return (targets) => {
    const node = of(targets);
    node.terminate();
    return node.machine.name;
  };
}

function pause(of: (targets: Targets) => Node): Fault {
  return (targets) => {
    const { process, machine } = of(targets);
    process?.pause();
    targets.loop.after(
      span(targets.random),
      "SIGCONT",
      () => process?.resume(),
    );
    return machine.name;
  };
}

/** Two memories of the same that no run loses both: nobody could know then what was done. */
export const EXCLUSIVE: readonly [string, ...string[]] = [
  "cp-restore",
  "agent-journal-lost",
];

/** Every fault, by name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "cp-kill9": deathInWriting("kill9"),
  "cp-power": deathInWriting("power"),
  "cp-term": terminate(theControlPlane),
  "cp-pause": pause(theControlPlane),
  "cp-restore"({ controlPlanes: [first, ...others], random }) {
    // Nobody may use what is put back before it is.
    for (const other of others) other.die("kill9", span(random));
    first.restore(span(random));
    return first.machine.name;
  },
  "agent-kill9": death("kill9", anAgent),
  "agent-power": death("power", anAgent),
  "agent-term": terminate(anAgent),
  "agent-pause": pause(anAgent),

  "old-agent-kill9"(targets) {
    const { old } = targets;
    old?.die("kill9", span(targets.random));
    return old?.machine.name ?? "nothing";
  },

  "agent-clock-jump"(targets) {
    const { machine } = anAgent(targets);
    machine.jump(targets.random.between(-3_600_000, 3_600_000));
    return machine.name;
  },

  "agent-journal-lost"(targets) {
    const agent = anAgent(targets);
    agent.die("power", span(targets.random));
    agent.disk.wipe();
    return agent.machine.name;
  },

  "agent-disk-full"({ agents, random, loop }) {
    const { disk, machine } = random.pick(agents);
    disk.fill(true);
    loop.after(span(random), "room", () => disk.fill(false));
    return machine.name;
  },

  "agent-disk-slow"({ agents, random, loop }) {
    const { disk, machine } = random.pick(agents);
    disk.state.syncMs = random.exponential(500);
    loop.after(span(random), "fast", () => disk.state.syncMs = HEALTHY.syncMs);
    return machine.name;
  },

  cut({ network, random }) {
    const [first, ...rest] = network.connections;
    if (first === undefined) return "nothing";
    const connection = random.pick([first, ...rest]);
    // One side may find out much later than the other.
    const never = () => random.chance(0.2) ? Infinity : span(random);
    connection.cut([never(), never()]);
    return connection.client.name;
  },

  partition({ network, agents, random, loop }) {
    const { machine } = random.pick(agents);
    machine.reachable = false;
    loop.after(span(random), "reachable", () => {
      machine.reachable = true;
      network.reconnect();
    });
    return machine.name;
  },

  "network-slow"({ network, random, loop }) {
    const end = network.slow(random.exponential(200));
    loop.after(span(random), "fast", end);
    return "network";
  },

  "store-down"({ controlPlanes: [{ state }], random, loop }) {
    state.down = true;
    loop.after(span(random), "store up", () => state.down = false);
    return "store";
  },

  "store-slow"({ controlPlanes: [{ state }], random, loop }) {
    state.commitMs = random.exponential(500);
    loop.after(span(random), "fast", () => state.commitMs = WELL.commitMs);
    return "store";
  },

  "store-failing"({ controlPlanes: [{ state }], random, loop }) {
    state.failing = random.next();
    loop.after(span(random), "well", () => state.failing = 0);
    return "store";
  },

  "store-full"({ controlPlanes: [{ state }], random, loop }) {
    state.full = true;
    loop.after(span(random), "room", () => state.full = false);
    return "store";
  },

  "store-ambiguous"({ controlPlanes: [{ state }], random, loop }) {
    state.ambiguous = random.next();
    loop.after(span(random), "well", () => state.ambiguous = 0);
    return "store";
  },
};

/** What happens only where several control planes share a store. */
export const REPLICA_FAULTS: Readonly<Record<string, Fault>> = {
  "cp-cut-off"(targets) {
    const { random, loop } = targets;
    const node = theControlPlane(targets);
    node.cut = true;
    loop.after(span(random), "reaches the store", () => node.cut = false);
    return node.machine.name;
  },
};
