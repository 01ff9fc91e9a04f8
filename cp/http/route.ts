import type { ErrorCode } from "@transporter/sdk";
import type { Answer } from "./answer.ts";
import type { Body, BodyRule } from "./body.ts";
import type { Parameter, Query } from "./query.ts";
import type { SchemaName } from "./schemas.ts";

/** A request, as far as handlers see it. */
export interface RouteRequest {
  /** The parts of the path, by name, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** The query, its names checked. */
  readonly query: Query;
  /** Returns a header. */
  header(name: string): string | undefined;
  /** All headers, by their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether it has a body. */
  readonly hasBody: boolean;
  /** Reads the body; once. See `readBody` for what it throws. */
  body(rule: BodyRule): Promise<Body>;
  /** Returns what aborts when the client has its answer, or goes away. */
  gone(): AbortSignal;
  /** Returns where it comes from, for the log. */
  remote(): string;
  /** Drops the connection: the client does not read what is sent. */
  drop(): void;
}

/** What a route answers with, for one status. */
export interface AnswerDescription {
  /** For people, without a final period. */
  readonly description: string;
  /** The media types, and the schema of each; a text for those that are no JSON. */
  readonly content?: Readonly<Record<string, SchemaName | "text">>;
}

/** What a route takes as body. */
export interface BodyDescription extends BodyRule {
  /** For people, without a final period. */
  readonly description: string;
  /** Whether it has to be there; true unless told otherwise. */
  readonly required?: boolean;
  /** The schema, for each of the types. */
  readonly content: Readonly<Record<string, SchemaName>>;
}

/** A header that a route reads. */
export interface HeaderDescription {
  /** Its name. */
  readonly name: string;
  /** For people, without a final period. */
  readonly description: string;
}

/**
 * A route: what is served, and what is said about it, in one place. The routes
 * of the server and the OpenAPI document both come from a list of these.
 */
export interface Route {
  /** The verb. `HEAD` and `OPTIONS` come by themselves. */
  readonly method: "GET" | "POST" | "DELETE";
  /** The path as OpenAPI writes it: `/v2/events/{id}`. */
  readonly path: string;
  /** Its name for generated clients. */
  readonly id: string;
  /** What it is for, in one sentence without a final period. */
  readonly summary: string;
  /** Groups routes in documents. */
  readonly tag: "events" | "agents" | "link" | "operation";
  /** What a part of the path is, by name. */
  readonly parts?: Readonly<Record<string, string>>;
  /** What the query may have. */
  readonly query?: readonly Parameter[];
  /** Which headers it reads. */
  readonly headers?: readonly HeaderDescription[];
  /** What it takes. */
  readonly body?: BodyDescription;
  /** What it answers with when all is well, by status. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** How it can fail, besides the ways in which every request can. */
  readonly errors: readonly ErrorCode[];
  /** Answers. What it throws becomes a problem. */
  handle(request: RouteRequest): Promise<Answer> | Answer;
}
