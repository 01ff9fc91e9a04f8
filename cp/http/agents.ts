import { TransporterError } from "@transporter/sdk";
import { cursorOf, PAGE_PARAMETERS } from "./query.ts";
import { json, type Route } from "./route.ts";
import type { Services } from "./services.ts";
import { agentView } from "./view.ts";

const JSON_TYPE = "application/json";

function list({ store, sessions, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/v2/agents",
    id: "listAgents",
    tag: "agents",
    summary: "Lists agents, by id",
    query: PAGE_PARAMETERS,
    answers: {
      200: {
        description: "A page of agents",
        content: { [JSON_TYPE]: "AgentPage" },
      },
    },
    errors: ["unknown_field", "invalid", "store_unavailable"],
    async handle({ query }) {
      const after = query.cursor();
      const limit = query.limit();
      const [agents, open] = await Promise.all([
        store.listAgents(tenant),
        store.countOpen(tenant),
      ]);
      const rest = after === undefined
        ? agents
        : agents.filter(({ id }) => id > after);
      const items = rest.slice(0, limit).map((agent) =>
        agentView(agent, {
          connected: sessions.isConnected(tenant, agent.id),
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

function get({ store, sessions, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/v2/agents/{id}",
    id: "getAgent",
    tag: "agents",
    summary: "Shows an agent",
    parts: { id: "The agent's id" },
    answers: {
      200: { description: "The agent", content: { [JSON_TYPE]: "Agent" } },
    },
    errors: ["unknown_agent", "unknown_field", "store_unavailable"],
    async handle({ path: { id = "" } }) {
      const [agent, open] = await Promise.all([
        store.getAgent(tenant, id),
        store.countOpen(tenant),
      ]);
      if (agent === undefined) {
        throw new TransporterError(
          "unknown_agent",
          `Cannot find agent "${id.slice(0, 128)}"`,
        );
      }
      return json(agentView(agent, {
        connected: sessions.isConnected(tenant, id),
        open: open.get(id)?.states ?? {},
      }));
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
  return [list(services), get(services), connect()];
}
