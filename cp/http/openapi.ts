import { ERROR_CODES, type ErrorCode, VERSION } from "@transporter/sdk";
import { codesByStatus, PROBLEM_TYPE } from "./problem.ts";
import { json } from "./answer.ts";
import type { Route } from "./route.ts";
import { jsonSchemas, type SchemaName } from "./schemas.ts";

/** How every request can fail. */
const COMMON_ERRORS: readonly ErrorCode[] = [
  "bad_request",
  "unknown_field",
  "foreign_host",
  "foreign_origin",
  "slow_request",
  "header_too_large",
  "internal",
];

type Json = Readonly<Record<string, unknown>>;

function ref(name: SchemaName | "text"): Json {
  return name === "text"
    ? { type: "string" }
    : { $ref: `#/components/schemas/${name}` };
}

function contentOf(
  content: Readonly<Record<string, SchemaName | "text">>,
): Json {
  return Object.fromEntries(
    Object.entries(content).map((
      [type, name],
    ) => [type, { schema: ref(name) }]),
  );
}

function parametersOf(
  { parts = {}, query = [], headers = [] }: Route,
): readonly Json[] {
  return [
    ...Object.entries(parts).map(([name, description]) => ({
      name,
      in: "path",
      required: true,
      description,
      schema: { type: "string" },
    })),
    ...query.map(({ name, description, schema, required }) => ({
      name,
      in: "query",
      ...(required === true ? { required } : {}),
      description,
      schema,
    })),
    ...headers.map(({ name, description }) => ({
      name,
      in: "header",
      description,
      schema: { type: "string" },
    })),
  ];
}

function problemsOf({ errors, answers }: Route): Json {
  const groups = codesByStatus([...new Set([...errors, ...COMMON_ERRORS])]);
  return Object.fromEntries(
    [...groups].filter(([status]) => !(status in answers)).map(
      ([status, codes]) => [status, {
        description: `Codes: ${codes.join(", ")}`,
        ...(codes.some((code) => ERROR_CODES[code].retryable)
          ? {
            headers: {
              "Retry-After": {
                description:
                  "Seconds to wait before the same request is sent again",
                schema: { type: "integer" },
              },
            },
          }
          : {}),
        content: {
          [PROBLEM_TYPE]: {
            schema: {
              allOf: [ref("Problem"), {
                properties: { code: { enum: codes } },
              }],
            },
          },
        },
      }],
    ),
  );
}

function operationOf(route: Route): Json {
  const { id, summary, tag, body, answers } = route;
  const parameters = parametersOf(route);
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : {
      requestBody: {
        required: body.required ?? true,
        description: body.description,
        content: contentOf(body.content),
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map((
          [status, { description, content }],
        ) => [status, {
          description,
          ...(content === undefined ? {} : { content: contentOf(content) }),
        }]),
      ),
      ...problemsOf(route),
    },
  };
}

/**
 * Describes routes.
 *
 * @see {@link https://spec.openapis.org/oas/v3.1.1.html}
 */
export function openApi(routes: readonly Route[]): Json {
  const paths = Map.groupBy(routes, ({ path }) => path);
  return {
    openapi: "3.1.0",
    info: {
      title: "Transporter control plane",
      version: VERSION,
      description:
        "Takes events for agents, and tells what became of them. Errors are RFC 9457 " +
        "problems with a stable code. Names are in snake case, as on the wire; durations are " +
        "integer nanoseconds, times RFC 3339.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "events", description: "What was asked, and what became of it" },
      { name: "agents", description: "Who runs events" },
      { name: "link", description: "For agents that use no WebSocket" },
      { name: "operation", description: "For whoever runs a control plane" },
    ],
    paths: Object.fromEntries([...paths].map(([path, group]) => [
      path,
      Object.fromEntries(
        group.map((route) => [route.method.toLowerCase(), operationOf(route)]),
      ),
    ])),
    components: { schemas: jsonSchemas() },
  };
}

/** The route of the document, which describes itself too. */
export function openApiRoute(routes: () => readonly Route[]): Route {
  let document: Json | undefined;
  return {
    method: "GET",
    path: "/v2/openapi.json",
    id: "getOpenApi",
    tag: "operation",
    summary: "Describes this API",
    answers: {
      200: {
        description: "The document",
        content: { "application/json": "Document" },
      },
    },
    errors: [],
    handle: () => json(document ??= openApi(routes())),
  };
}
