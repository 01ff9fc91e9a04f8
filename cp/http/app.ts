import { IN_TIME, TransporterError } from "@transporter/sdk";
import type { IncomingMessage, ServerResponse } from "node:http";
import { agentRoutes } from "./agents.ts";
import { type Answer, writeAnswer } from "./answer.ts";
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
import { decoded, Router, targetOf } from "./router.ts";
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

/** Options of {@linkcode httpApp}. */
export interface HttpAppOptions {
  /** Looks at every request first. */
  readonly guard: (visitor: Visitor) => void;
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The routes of a control plane. */
function routesOf(services: Services): readonly Route[] {
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

/** Answers a request, whatever it is. Rejects when the answer cannot be written. */
export type HttpApp = (bindings: Bindings) => Promise<void>;

/** What is at a path. */
interface Place {
  readonly path: string;
  readonly routes: ReadonlyMap<string, Route>;
  /** The verbs that it takes. */
  readonly allow: readonly string[];
}

/** Makes the application that answers every request: guard, routes, problems, figures. */
export function httpApp(
  services: Services,
  { guard, headers }: HttpAppOptions,
): HttpApp {
  const { clock, metrics, log, stopping } = services;
  const common = { ...HEADERS, ...headers };
  const router = routerOf(routesOf(services));
  const budget = new BodyBudget();

  /** Answers, and says which route it was for. */
  async function answer(
    bindings: Bindings,
  ): Promise<{ readonly route: string; readonly answer: Answer }> {
    let route = "none";
    try {
      const target = targetOf(bindings.incoming);
      guard(bindings.incoming);
      const found = router.find(target.path);
      if (found === undefined) throw notFound(target.path);
      route = found.value.path;
      const serving = serve(bindings, found.value);
      if (serving === undefined) {
        const { allow } = found.value;
        const answer = { status: 204, headers: { allow: allow.join(", ") } };
        return { route, answer };
      }
      const { parts: path } = found;
      const query = new Query(target.query, serving.query ?? []);
      const request = requestOf(bindings, { path, query, budget });
      return { route, answer: await serving.handle(request) };
    } catch (reason) {
      const { status, headers, body } = services.problem(reason);
      return { route, answer: { status, headers, body: JSON.stringify(body) } };
    }
  }

  return async (bindings) => {
    const started = clock.monotonic();
    const { route, answer: { status, headers, ...rest } } = await answer(
      bindings,
    );
    const closing = stopping.aborted ? { connection: "close" } : {};
    const writing = writeAnswer(bindings.outgoing, {
      ...rest,
      status,
      headers: { ...headers, ...common, ...closing },
    });
    const seconds = (clock.monotonic() - started) / 1000;
    const { method = "" } = bindings.incoming;
    metrics.answered({ method, route, status, seconds });
    log.debug("Request is answered", { method, route, status, seconds });
    await writing;
  };
}

function routerOf(routes: readonly Route[]): Router<Place> {
  const router = new Router<Place>();
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    const verbs = group.map((route) =>
      [route.method as string, route] as const
    );
    const get = group.find(({ method }) => method === "GET");
    const served = new Map([...verbs, ...get ? [["HEAD", get] as const] : []]);
    const allow = [...served.keys(), "OPTIONS"];
    router.add(path, { path, routes: served, allow });
  }
  return router;
}

function notFound(path: string): TransporterError {
  return new TransporterError(
    "not_found",
    `Cannot find "${
      decoded(path.slice(0, 200))
    }": "/v2/openapi.json" lists what there is`,
  );
}

/** The route that a request is for; `undefined` when it asks which verbs there are. */
function serve(
  { incoming }: Bindings,
  { path, routes, allow }: Place,
): Route | undefined {
  const { method = "" } = incoming;
  const route = routes.get(method);
  if (route === undefined) {
    if (method === "OPTIONS") return undefined;
    throw new TransporterError(
      "method_not_allowed",
      `Cannot ${method} "${path}": it takes ${allow.join(", ")}`,
      { details: { allow } },
    );
  }
  // A body that nobody reads would be an order that nobody follows.
  if (
    route.method !== "GET" && route.body === undefined && hasBody(incoming)
  ) {
    throw new TransporterError(
      "bad_request",
      `Cannot take a body with "${route.method} ${path}": it takes none`,
    );
  }
  return route;
}

function requestOf(
  { incoming, outgoing }: Bindings,
  { path, query, budget }: Pick<RouteRequest, "path" | "query"> & {
    readonly budget: BodyBudget;
  },
): RouteRequest {
  const headers = incoming.headers as Readonly<Record<string, string>>;
  return {
    path,
    query,
    header: (name) => headers[name],
    headers,
    hasBody: hasBody(incoming),
    body: (rule) =>
      readBody(
        { incoming, proceed: () => outgoing.writeContinue(), budget },
        rule,
      ),
    gone() {
      const gone = new AbortController();
      outgoing.once("close", () => gone.abort(IN_TIME));
      if (outgoing.destroyed) gone.abort(IN_TIME);
      return gone.signal;
    },
    remote() {
      const { remoteAddress = "?", remotePort = 0 } = incoming.socket;
      return `${remoteAddress}:${remotePort}`;
    },
    drop: () => outgoing.destroy(),
  };
}
