import {
  formatTime,
  type State,
  TransporterError,
  VERSION,
} from "@transporter/sdk";
import type { BrokerState } from "../agent_broker.ts";
import type { Present } from "../metrics.ts";
import { clocksApartMs } from "../peers/clocks.ts";
import { json } from "./answer.ts";
import type { Route } from "./route.ts";
import type { Services } from "./services.ts";

const JSON_TYPE = "application/json";

function livez(): Route {
  return {
    method: "GET",
    path: "/livez",
    id: "live",
    tag: "operation",
    summary: "Answers as long as the process can",
    answers: {
      200: { description: "It lives", content: { [JSON_TYPE]: "Live" } },
    },
    errors: [],
    handle: () => json({ status: "live" }),
  };
}

/** What this control plane is called, and those that share its store. */
async function replicasOf(
  { peers }: Services,
): Promise<{ readonly replica?: string; readonly replicas?: string[] }> {
  if (peers === undefined) return {};
  const replicas = await peers.replicas();
  return {
    replica: peers.self.name,
    replicas: replicas.map(({ name }) => name),
  };
}

function readyz(services: Services): Route {
  const { readiness, store, diskFree, ingests, results, agentBroker } =
    services;
  return {
    method: "GET",
    path: "/readyz",
    id: "ready",
    tag: "operation",
    summary:
      "Answers whether events can be accepted: the store has just committed something, the clock is right, brokers are there, and nothing stops",
    answers: {
      200: { description: "It is ready", content: { [JSON_TYPE]: "Ready" } },
    },
    errors: ["store_unavailable", "disk_full", "clock_skew", "unavailable"],
    async handle() {
      const fault = await readiness.fault();
      if (fault !== undefined) throw fault;
      const free = await diskFree();
      return json({
        status: "ready",
        durability: store.durability,
        ...await readiness.within(replicasOf(services)),
        ...gapOf(services),
        ...(free === undefined ? {} : { disk_free_bytes: free }),
        ...(results.states.length === 0 ? {} : {
          results: results.states.map(({ sink, fault, lagMs }) => ({
            sink,
            lag_ms: lagMs,
            ...(fault === undefined ? {} : { fault: fault.message }),
          })),
        }),
        ...(ingests.states.length === 0 ? {} : {
          ingest: ingests.states.map(({ source, pending }) => ({
            source,
            pending,
          })),
        }),
        ...shown(agentBroker()),
      });
    },
  };
}

/** When the store was found older than it was, if it ever was. */
function gapOf({ peers }: Services): { readonly store_gap?: unknown } {
  if (peers?.gap === undefined) return {};
  const { at, was, is } = peers.gap;
  return { store_gap: { found_at: formatTime(at), was, is } };
}

/** What is said of the broker of agents, where there is one. */
function shown(
  state: BrokerState | undefined,
): { readonly agent_broker?: unknown } {
  return state === undefined
    ? {}
    : { agent_broker: { ...state, connected: state.error === undefined } };
}

function health({ readiness, connected, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/health",
    id: "healthV1",
    tag: "operation",
    summary: "Answers in upstream's way how it is",
    answers: {
      200: { description: "It is ready", content: { [JSON_TYPE]: "Health" } },
      503: {
        description: "It is not ready; /readyz says why",
        content: { [JSON_TYPE]: "Health" },
      },
    },
    errors: [],
    async handle() {
      const fault = await readiness.fault();
      const agents = await readiness.within(connected(tenant)).then(
        ({ size }) => size,
        () => 0, // which the status says
      );
      return json({
        status: fault === undefined ? "healthy" : "unhealthy",
        agent_count: agents,
        version: VERSION,
      }, fault === undefined ? 200 : 503);
    },
  };
}

async function present(
  {
    store,
    connected,
    readiness,
    diskFree,
    agentBroker,
    peers,
    tenant,
  }: Services,
): Promise<Present> {
  const [agents, byAgent, here, fault, free, replicas] = await Promise.all([
    store.listAgents(tenant),
    store.countOpen(tenant),
    connected(tenant),
    readiness.fault(),
    diskFree(),
    peers?.replicas() ?? [],
  ]);
  const open: Partial<Record<State, number>> = {};
  for (const { states } of byAgent.values()) {
    for (const [state, count] of Object.entries(states) as [State, number][]) {
      open[state] = (open[state] ?? 0) + count;
    }
  }
  return {
    agents: { total: agents.length, connected: here.size },
    open,
    ready: fault === undefined,
    diskFree: free,
    replicas: {
      alive: peers === undefined ? 1 : replicas.length,
      clocksApartMs: clocksApartMs(replicas),
    },
    agentBroker: agentBroker(),
  };
}

/** The same; `undefined` while the store cannot be used, since that is when figures are looked at. */
async function tolerant(services: Services): Promise<Present | undefined> {
  try {
    return await present(services);
  } catch (error) {
    if (TransporterError.from(error).class !== "unavailable") throw error;
    return undefined;
  }
}

/** Events by state in upstream's words, which has none for what was cancelled: that counts as failed. */
function upstreamCounts(
  { cancelled = 0, ...counts }: Readonly<Partial<Record<State, number>>>,
): Readonly<Partial<Record<State, number>>> {
  return cancelled === 0
    ? counts
    : { ...counts, failed: (counts.failed ?? 0) + cancelled };
}

/** Whether somebody asks for upstream's JSON: Prometheus never does. */
function wantsJson(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((type) =>
    type.split(";")[0]?.trim().toLowerCase() === JSON_TYPE
  );
}

function metrics(services: Services): Route {
  return {
    method: "GET",
    path: "/metrics",
    id: "metrics",
    tag: "operation",
    summary:
      "Shows figures, as Prometheus reads them; upstream's JSON for Accept: application/json",
    headers: [{
      name: "Accept",
      description: "application/json for upstream's figures",
    }],
    answers: {
      200: {
        description: "The figures",
        content: { "text/plain": "text", [JSON_TYPE]: "Figures" },
      },
    },
    errors: ["store_unavailable"],
    async handle(request) {
      if (wantsJson(request.header("accept"))) {
        const { agents, open } = await present(services);
        return json({
          agents,
          events: upstreamCounts({
            ...open,
            ...services.metrics.endedByState,
          }),
        });
      }
      services.metrics.brokers.results(services.results.states);
      return {
        status: 200,
        headers: { "content-type": services.metrics.contentType },
        body: await services.metrics.text(await tolerant(services)),
      };
    },
  };
}

/** The routes for whoever runs a control plane. */
export function operationRoutes(services: Services): readonly Route[] {
  return [livez(), readyz(services), health(services), metrics(services)];
}
