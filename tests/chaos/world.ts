import { join } from "node:path";
import { freePort } from "../free_port.ts";
import { Program } from "../program.ts";
import type { Random } from "../sim/random.ts";
import { dialUrl } from "../system.ts";
import { TcpProxy } from "../tcp_proxy.ts";
import { BROKER, prepareBroker } from "./broker.ts";
import { type Disk, smallDisk, whyNoDisk } from "./disk.ts";
import type { ChaosWire } from "./options.ts";
import { lacksRedis, prepareRedis, REDIS, storeUser } from "./redis.ts";
import { RESULTS } from "./results.ts";
import type { Scribe } from "./scribe.ts";
import { type Ended, type Launch, Subject } from "./subject.ts";

/** Options of {@linkcode World.open}. */
export interface WorldOptions {
  /** Where everything is kept. */
  readonly folder: string;
  /** The names of the agents. */
  readonly agents: readonly string[];
  /** What carries the frames of agents. */
  readonly wire: ChaosWire;
  /** How many control planes there are; two share a Redis. */
  readonly replicas: 1 | 2;
  /** Where they keep events. */
  readonly store: "sqlite" | "redis";
  /** The control plane's program instead of `main.ts` from source, such as a bundle. */
  readonly script: string | undefined;
  /** What decides what the network does. */
  readonly random: Random;
  /** Where ends of processes are written down. */
  readonly scribe: Scribe;
  /** Who is told results, and the file with the secret of that. */
  readonly results: { readonly port: number; readonly secret: string };
}

/** A process, and what can be done to it besides. */
export interface Victim {
  /** The process. */
  readonly subject: Subject;
  /** Its data folder, if that has a disk of its own. */
  readonly disk: Disk | undefined;
  /** The file with the offset of its clock, of an agent. */
  readonly offsetFile: string | undefined;
  /** Where it listens, if it does. */
  readonly port: number | undefined;
  /** Until when it may end by itself, as what was done to it leaves it no choice; in milliseconds since 1970. */
  mayEndUntil: number;
}

/** The name of the control plane among the processes. */
const CONTROL_PLANE = "cp";

/** The name of the second one, if there is one, and of whom has a link to it. */
const SECOND = "cp2";

/** The user of the link by which events are handed to the NATS server. */
const INGEST = "ingest";

/** Who has a link to the second control plane. */
function second(user: string): string {
  return `${user}-2`;
}

/** Attempts that an agent runs at the same time. */
const CONCURRENCY = 8;

/** Agents whose data folder has a disk of its own; the others write to the machine's. */
const DISKS = ["a1", "a2"];
const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const AGENT = new URL("agent.ts", import.meta.url).pathname;

/** Signs of life come often, so that what is dead is found within seconds. */
const CP_FLAGS = [
  ...["--heartbeat-interval", "1s", "--idle-timeout", "4s"],
  ...["--drain-timeout", "3s"],
];

/** A control plane, or two on one Redis, agents, and the links that everybody goes through: all of them real. */
export class World implements AsyncDisposable {
  readonly #options: WorldOptions;
  readonly #resources: AsyncDisposableStack;
  readonly #ports: Readonly<Record<string, number>>;
  /** Every process, by name. */
  readonly victims: Readonly<Record<string, Victim>>;
  /** Every link, by who uses it. */
  readonly links: Readonly<Record<string, TcpProxy>>;
  /** The control plane itself, past every link. */
  readonly url: string;
  /** Why no folder has a disk of its own; `undefined` when some have. */
  readonly noDisks: string | undefined;
  /** What no process may do and no checker sees: not to end when it is asked to. */
  readonly problems: string[] = [];

  /** Makes the links and the folders; nothing is started. */
  static async open(options: WorldOptions): Promise<World> {
    const { folder, agents, random } = options;
    await using stack = new AsyncDisposableStack();
    const port = freePort();
    const isNats = options.wire === "nats";
    const brokerPort = freePort();
    const launchBroker = isNats
      ? await prepareBroker(join(folder, BROKER), brokerPort)
      : undefined;
    const [onRedis, isShared] = [
      options.store === "redis",
      options.replicas === 2,
    ];
    const secondPort = isShared ? freePort() : undefined;
    const redisPort = freePort();
    const launchRedis = onRedis
      ? await prepareRedis(join(folder, REDIS), redisPort)
      : undefined;
    const links: Record<string, TcpProxy> = {};
    const overBroker = isNats ? [...agents, BROKER] : [];
    const users = new Map<string, number>(
      [...agents, "producer", "reader"].map((name) => [name, port]),
    );
    for (const name of overBroker) users.set(name, brokerPort);
    if (isNats) users.set(INGEST, brokerPort);
    users.set(RESULTS, options.results.port);
    if (secondPort !== undefined) {
      users.set("reader", secondPort);
      for (const name of agents) users.set(second(name), secondPort);
    }
    const [seconds, onDisk] = [
      isShared ? [SECOND] : [],
      onRedis ? DISKS : [CONTROL_PLANE, ...DISKS],
    ];
    for (const name of onRedis ? [CONTROL_PLANE, ...seconds] : []) {
      users.set(storeUser(name), redisPort);
    }
    for (const [name, port] of users) {
      const ofLink = random.fork(name);
      links[`${name}-link`] = stack.use(
        await TcpProxy.open({
          ...{ hostname: "127.0.0.1", port },
          random: () => ofLink.next(),
        }),
      );
    }
    for (const name of ["logs", "witness", "clock"]) {
      await Deno.mkdir(join(folder, name));
    }
    const noDisks = await whyNoDisk(join(folder, "probe"));
    const disks: Record<string, Disk> = {};
    for (const name of [CONTROL_PLANE, ...seconds, ...agents]) {
      await Deno.mkdir(join(folder, name));
      if (noDisks !== undefined || !onDisk.includes(name)) continue;
      disks[name] = stack.use(await smallDisk(join(folder, name)));
    }
    return new World(options, {
      ports: {
        [CONTROL_PLANE]: port,
        ...secondPort === undefined ? {} : { [SECOND]: secondPort },
      },
      servers: {
        ...launchRedis === undefined ? {} : { [REDIS]: launchRedis },
        ...launchBroker === undefined ? {} : { [BROKER]: launchBroker },
      },
      links,
      disks,
      noDisks,
      resources: stack.move(),
    });
  }

  /** Made by {@linkcode World.open}. */
  constructor(options: WorldOptions, made: {
    /** Where control planes listen, by name. */
    readonly ports: Readonly<Record<string, number>>;
    /** What starts servers of others, by name. */
    readonly servers: Readonly<Record<string, (launch: Launch) => Program>>;
    readonly links: Readonly<Record<string, TcpProxy>>;
    readonly disks: Readonly<Record<string, Disk>>;
    readonly noDisks: string | undefined;
    readonly resources: AsyncDisposableStack;
  }) {
    this.#options = options;
    this.#resources = made.resources;
    this.links = made.links;
    this.#ports = made.ports;
    this.url = `http://127.0.0.1:${made.ports[CONTROL_PLANE]}`;
    this.noDisks = made.noDisks;
    const victims: Record<string, Victim> = {};
    const { servers, ports } = made;
    const names = [...Object.keys(servers), ...Object.keys(ports)];
    for (const name of [...names, ...options.agents]) {
      const isAgent = options.agents.includes(name);
      const subject = new Subject({
        name,
        launch: (launch) =>
          servers[name]?.(launch) ??
            (isAgent
              ? this.#agent(name, launch)
              : this.#controlPlane(name, launch)),
        ended: (end) => this.#ended(name, end),
      });
      this.#resources.use(subject);
      victims[name] = {
        subject,
        disk: made.disks[name],
        offsetFile: isAgent ? this.#path("clock", name) : undefined,
        port: ports[name],
        mayEndUntil: 0,
      };
    }
    this.victims = victims;
  }

  /** Where a link leads in, as a URL. */
  through(user: string): string {
    return `http://127.0.0.1:${this.links[`${user}-link`]?.port}`;
  }

  /** Where events may be handed to the NATS server, if there is one. */
  get ingest(): string | undefined {
    return this.#options.wire === "nats" ? this.#broker(INGEST) : undefined;
  }

  /** Starts every process. */
  async start(): Promise<void> {
    for (const { subject, offsetFile } of Object.values(this.victims)) {
      if (offsetFile !== undefined) await Deno.writeTextFile(offsetFile, "0");
      subject.up();
    }
  }

  /** What the executors of all agents wrote down. */
  async witnessed(): Promise<string> {
    const texts = this.#options.agents.map((name) =>
      Deno.readTextFile(this.#path("witness", name))
    );
    return (await Promise.all(texts)).join("");
  }

  /** Asks every process to end, and notes those that do not, or not well. */
  async stop(): Promise<void> {
    const victims = Object.entries(this.victims);
    await Promise.all(victims.map(async ([name, { subject }]) => {
      if (!await subject.term()) this.hung(name);
    }));
  }

  /** Notes that a process did not end as it was asked to. */
  hung(name: string): void {
    this.problems.push(`hung: "${name}" did not end after SIGTERM`);
  }

  /** Kills every process, and takes everything down. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #path(...names: readonly string[]): string {
    return join(this.#options.folder, ...names);
  }

  /** Where the link of somebody leads to the NATS server. */
  #broker(user: string): string {
    return this.through(user).replace("http", "nats");
  }

  #controlPlane(name: string, { via }: Launch): Program {
    const { script = MAIN, wire, store, results } = this.#options;
    const broker = this.#broker(BROKER);
    const url = this.through(storeUser(name)).replace("http", "redis");
    const args = [
      ...["cp", "--dev", "--listen", `127.0.0.1:${this.#ports[name]}`],
      ...store === "redis"
        ? ["--store", url, "--replica-name", name]
        : ["--data-dir", this.#path(name)],
      ...CP_FLAGS,
      ...["--results", `${this.through(RESULTS)}/hook`],
      ...["--results-secret-file", results.secret],
      ...wire === "nats" ? ["--agent-broker", broker, "--ingest", broker] : [],
    ];
    return Program.start(args, { script, via });
  }

  #agent(name: string, { turn, via }: Launch): Program {
    const { wire, replicas } = this.#options;
    const users = replicas === 1 ? [name] : [name, second(name)];
    const urls = wire === "nats"
      ? [this.#broker(name)]
      : users.map((user) => dialUrl(this.through(user), wire));
    const process = `${name}-${turn}`;
    this.#options.scribe.write({
      kind: "boot",
      at: Date.now(),
      process,
      concurrency: CONCURRENCY,
    });
    const args = [
      ...["--agent-id", name, ...urls.flatMap((url) => ["--cp-url", url])],
      ...["--data-dir", this.#path(name)],
      ...["--witness", this.#path("witness", name)],
      ...["--concurrency", String(CONCURRENCY), "--process", process],
      ...["--clock-offset", this.#path("clock", name)],
    ];
    return Program.start(args, { script: AGENT, via });
  }

  async #ended(name: string, end: Ended): Promise<void> {
    const { turn, code, asked, output } = end;
    const process = `${name}-${turn}`;
    this.#options.scribe.write({ kind: "exit", at: Date.now(), process });
    await Deno.writeTextFile(
      this.#path("logs", `${name}.log`),
      `${output}\n--- ${process} ended with ${code}\n`,
      { append: true },
    );
    const until = this.victims[name]?.mayEndUntil ?? 0;
    if (asked || Date.now() < until || lacksRedis(output)) return;
    const last = output.trimEnd().split("\n").at(-1) ?? "";
    const reason = `code ${code}, ${last}`;
    this.#options.scribe.write({
      kind: "crash",
      at: Date.now(),
      process,
      reason,
    });
  }
}
