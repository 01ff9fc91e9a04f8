import { TransporterError } from "@transporter/sdk";
import type { AgentRecord } from "../store/store.ts";
import { unknownAgent } from "../unknown.ts";
import { PRINCIPAL } from "./principal.ts";
import { cursorOf, PAGE_PARAMETERS } from "./query.ts";
import { type Answer, json } from "./answer.ts";
import type { Route } from "./route.ts";
import type { Services } from "./services.ts";
import { agentView } from "./view.ts";

const JSON_TYPE = "application/json";

function list({ store, connected, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/v2/agents",
    id: "listAgents",
    tag: "agents",
    summary: "Lists agents, by id",
    query: [
      {
        name: "label",
        description: "Only agents with all of these labels, each as key=value",
        schema: { type: "array", items: { type: "string" } },
        repeatable: true,
      },
      ...PAGE_PARAMETERS,
    ],
    answers: {
      200: {
        description: "A page of agents",
        content: { [JSON_TYPE]: "AgentPage" },
      },
    },
    errors: ["unknown_field", "invalid", "store_unavailable"],
    async handle({ query }) {
      const after = query.cursor();
      const labels = Object.entries(query.labels() ?? {});
      const limit = query.limit();
      const [agents, open, here] = await Promise.all([
        store.listAgents(tenant),
        store.countOpen(tenant),
        connected(tenant),
      ]);
      const rest = agents.filter(({ id, registration }) =>
        (after === undefined || id > after) &&
        labels.every(([key, value]) => registration.labels?.[key] === value)
      );
      const items = rest.slice(0, limit).map((agent) =>
        agentView(agent, {
          connected: here.get(agent.id),
          open: open.get(agent.id)?.states ?? {},
        })
      );
      const last = items.at(-1);
      return json({
        items,
        ...(rest.length > limit && last !== undefined
          ? { next_cursor: cursorOf(last.id) }
          : {}),
      });
    },
  };
}

/** What routes of one agent have in common. */
const AGENT = {
  tag: "agents",
  parts: { id: "The agent's id" },
  errors: ["unknown_agent", "unknown_field", "store_unavailable"],
} as const;

/** What those have in common that change it. */
const CHANGE = { ...AGENT, errors: [...AGENT.errors, "disk_full"] } as const;

/** Shows an agent as it is now. */
async function shown(
  record: AgentRecord,
  { store, connected, tenant }: Services,
): Promise<Answer> {
  const [open, here] = await Promise.all([
    store.countOpen(tenant),
    connected(tenant),
  ]);
  return json(agentView(record, {
    connected: here.get(record.id),
    open: open.get(record.id)?.states ?? {},
  }));
}

function get(services: Services): Route {
  return {
    ...AGENT,
    method: "GET",
    path: "/v2/agents/{id}",
    id: "getAgent",
    summary: "Shows an agent",
    answers: {
      200: { description: "The agent", content: { [JSON_TYPE]: "Agent" } },
    },
    async handle({ path: { id = "" } }) {
      const agent = await services.store.getAgent(services.tenant, id);
      if (agent === undefined) throw unknownAgent(id);
      return await shown(agent, services);
    },
  };
}

function pause(services: Services): Route {
  return {
    ...CHANGE,
    method: "POST",
    path: "/v2/agents/{id}/pause",
    id: "pauseAgent",
    summary:
      "Releases nothing to an agent any more: events for it wait, what it has it finishes; may be repeated",
    answers: {
      200: {
        description: "It is paused",
        content: { [JSON_TYPE]: "Agent" },
      },
    },
    async handle({ path: { id = "" } }) {
      const { operator, tenant } = services;
      return await shown(await operator.pause(tenant, id), services);
    },
  };
}

function resume(services: Services): Route {
  return {
    ...CHANGE,
    method: "POST",
    path: "/v2/agents/{id}/resume",
    id: "resumeAgent",
    summary: "Lets a paused agent go on; may be repeated",
    answers: {
      200: {
        description: "It is not paused",
        content: { [JSON_TYPE]: "Agent" },
      },
    },
    async handle({ path: { id = "" } }) {
      const { operator, tenant } = services;
      return await shown(await operator.resume(tenant, id), services);
    },
  };
}

function remove({ operator, tenant }: Services): Route {
  return {
    ...CHANGE,
    method: "DELETE",
    path: "/v2/agents/{id}",
    id: "deleteAgent",
    summary:
      "Forgets an agent: ends its session, cancels what waits for it, and ends what it has as failed, code interrupted",
    answers: { 204: { description: "It is forgotten" } },
    async handle({ path: { id = "" } }) {
      await operator.deleteAgent(tenant, id, { principal: PRINCIPAL });
      return { status: 204, headers: {} };
    },
  };
}

/** Where agents connect; the upgrade itself is the server's business. */
function connect(): Route {
  return {
    method: "GET",
    path: "/ws",
    id: "connectAgent",
    tag: "agents",
    summary: "Where agents connect, by WebSocket: link v1 and v2",
    answers: {
      101: { description: "The connection is a WebSocket from here on" },
    },
    errors: ["unsupported_version", "unavailable"],
    handle() {
      throw new TransporterError(
        "unsupported_version",
        'Cannot serve "/ws" without an upgrade: agents connect to it by WebSocket',
      );
    },
  };
}

/** The routes of agents. */
export function agentRoutes(services: Services): readonly Route[] {
  return [
    list(services),
    get(services),
    remove(services),
    pause(services),
    resume(services),
    connect(),
  ];
}
