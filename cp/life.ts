/**
 * The rules of an event's life: what a release, a word of its agent, a wish of
 * a person or the passing of time makes of it. Pure: each takes a record and
 * says which change follows, and the recorder alone writes it.
 *
 * @module
 */
export * from "./life/adopt.ts";
export * from "./life/attempt.ts";
export { isReleased } from "./life/entry.ts";
export * from "./life/history.ts";
export * from "./life/lease.ts";
export * from "./life/operate.ts";
export * from "./life/report.ts";
