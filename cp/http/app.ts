import { TransporterError } from "@transporter/sdk";
import { type Context, Hono } from "hono";
import type { IncomingMessage, ServerResponse } from "node:http";
import { agentRoutes } from "./agents.ts";
import { BodyBudget, hasBody, readBody } from "./body.ts";
import { controlRoutes } from "./control.ts";
import { eventRoutes } from "./events.ts";
import { objectRoutes } from "./objects.ts";
import type { Visitor } from "./guard.ts";
import { linkRoutes } from "./link.ts";
import { linkStreamRoute } from "./link_stream.ts";
import { logsRoute } from "./logs.ts";
import { openApiRoute } from "./openapi.ts";
import { operationRoutes } from "./operation.ts";
import { Query } from "./query.ts";
import type { Route, RouteRequest } from "./route.ts";
import type { Services } from "./services.ts";
import { streamRoute } from "./stream.ts";
import { submitRoutes } from "./submit.ts";

/** What the server hands over with a request. */
export interface Bindings {
  /** The request as it came. */
  readonly incoming: IncomingMessage;
  /** The answer, while it is written. */
  readonly outgoing: ServerResponse;
}

interface AppEnv {
  Bindings: Bindings;
  Variables: {
    /** Which route a request is for. */
    route?: string;
  };
}

/** Options of {@linkcode httpApp}. */
export interface HttpAppOptions {
  /** Looks at every request first. */
  readonly guard: (visitor: Visitor) => void;
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The routes of a control plane. */
export function routesOf(services: Services): readonly Route[] {
  const routes: Route[] = [
    ...submitRoutes(services),
    ...eventRoutes(services),
    ...objectRoutes(services),
    ...controlRoutes(services),
    logsRoute(services),
    ...agentRoutes(services),
    ...linkRoutes(services),
    linkStreamRoute(services),
    streamRoute(services),
    ...operationRoutes(services),
    openApiRoute(() => routes),
  ];
  return routes;
}

/** Headers of every answer: nothing here is a page, and nothing stays true for long. */
const HEADERS = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** Makes the application that answers every request: guard, routes, problems, figures. */
export function httpApp(
  services: Services,
  { guard, headers }: HttpAppOptions,
): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const budget = new BodyBudget();

  function answer(problem: unknown): Response {
    const { status, headers, body } = services.problem(problem);
    return new Response(JSON.stringify(body), { status, headers });
  }

  app.use(async (context, next) => {
    const { clock, metrics, log, stopping } = services;
    const started = clock.monotonic();
    try {
      guard(context.env.incoming);
      await next();
    } catch (reason) {
      context.res = answer(reason);
    }
    for (const [name, value] of Object.entries({ ...HEADERS, ...headers })) {
      context.res.headers.set(name, value);
    }
    if (stopping.aborted) context.res.headers.set("connection", "close");
    const seconds = (clock.monotonic() - started) / 1000;
    const { method } = context.req;
    const { status } = context.res;
    const route = context.get("route") ?? "none";
    metrics.answered({ method, route, status, seconds });
    log.debug("Request is answered", { method, route, status, seconds });
  });

  for (
    const [path, group] of Map.groupBy(
      routesOf(services),
      (route) => route.path,
    )
  ) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
    for (const route of group) {
      app.on(route.method, pattern, async (context) => {
        context.set("route", path);
        refuseBody(context, route);
        return await route.handle(requestOf(context, route, budget));
      });
    }
    const methods = group.map(({ method }) => method);
    const allow = [
      ...methods,
      ...(methods.includes("GET") ? ["HEAD"] : []),
      "OPTIONS",
    ];
    app.all(pattern, (context) => {
      context.set("route", path);
      if (context.req.method === "OPTIONS") {
        return new Response(null, {
          status: 204,
          headers: { allow: allow.join(", ") },
        });
      }
      throw new TransporterError(
        "method_not_allowed",
        `Cannot ${context.req.method} "${path}": it takes ${allow.join(", ")}`,
        { details: { allow } },
      );
    });
  }
  app.notFound((context) =>
    answer(
      new TransporterError(
        "not_found",
        `Cannot find "${
          context.req.path.slice(0, 200)
        }": "/v2/openapi.json" lists what there is`,
      ),
    )
  );
  app.onError((error) => answer(error));
  return app;
}

/** A body that nobody reads would be an order that nobody follows. */
function refuseBody(context: Context<AppEnv>, route: Route): void {
  const { method, path } = route;
  if (method === "GET" || route.body !== undefined) return;
  if (!hasBody(context.env.incoming)) return;
  throw new TransporterError(
    "bad_request",
    `Cannot take a body with "${method} ${path}": it takes none`,
  );
}

function requestOf(
  context: Context<AppEnv>,
  route: Route,
  budget: BodyBudget,
): RouteRequest {
  const { incoming, outgoing } = context.env;
  return {
    path: context.req.param(),
    query: new Query(new URL(context.req.url).searchParams, route.query ?? []),
    header: (name) => context.req.header(name),
    get headers() {
      return context.req.header();
    },
    hasBody: hasBody(incoming),
    body: (rule) =>
      readBody(
        { incoming, proceed: () => outgoing.writeContinue(), budget },
        rule,
      ),
    get gone() {
      const gone = new AbortController();
      outgoing.once("close", () => gone.abort());
      if (outgoing.destroyed) gone.abort();
      return gone.signal;
    },
    get remote() {
      const { remoteAddress = "?", remotePort = 0 } = incoming.socket;
      return `${remoteAddress}:${remotePort}`;
    },
    drop: () => outgoing.destroy(),
  };
}
