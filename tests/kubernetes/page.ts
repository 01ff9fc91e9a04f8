/**
 * The examples of a page about an executor: payloads, and below each what
 * becomes of it, in words that a test can hold it to.
 *
 * @module
 */

import { isRecord } from "@transporter/sdk";
import { parse } from "yaml";
import { blocksOf } from "../page.ts";
import type { Run } from "./k8s_resource.ts";

/** A payload, and what a page says of it. */
export interface PageExample {
  /** The line of the page on which it begins. */
  readonly line: number;
  /** What is sent. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** What becomes of it; `…` stands for anything within a line. */
  readonly outcome: string;
}

/**
 * Reads the examples of a page: each block of YAML or JSON with `manifests` at
 * its top, and the block of text that has to come next.
 *
 * @throws {Error} An outcome is missing.
 */
export function examplesIn(page: string): PageExample[] {
  const blocks = blocksOf(page);
  return blocks.flatMap(({ line, language, text }, index): PageExample[] => {
    if (language !== "yaml" && language !== "json") return [];
    const payload: unknown = parse(text);
    if (!isRecord(payload) || !("manifests" in payload)) return [];
    const next = blocks[index + 1];
    if (next?.language !== "text") {
      throw new Error(
        `Nothing says what becomes of the payload in line ${line}`,
      );
    }
    return [{ line, payload, outcome: next.text }];
  });
}

function valueOf(change: object, name: "before" | "after"): string {
  return name in change
    ? JSON.stringify((change as Readonly<Record<string, unknown>>)[name])
    : "nothing";
}

/** Says what became of an event, as the page says it. */
export function outcomeOf({ last, objects, warnings }: Run): string {
  const lines = [
    last.error === undefined || last.error === null
      ? last.state
      : `${last.state} ${last.error.code}: ${last.message}`,
  ];
  for (const object of objects) {
    lines.push(`${object.kind}/${object.name}: ${object.status}`);
    for (const path of object.changed_fields ?? []) lines.push(`  ${path}`);
    for (const change of object.changes ?? []) {
      const { path } = change;
      lines.push(
        `  ${path}: ${valueOf(change, "before")} -> ${
          valueOf(change, "after")
        }`,
      );
    }
    for (const [path, value] of Object.entries(object.fields ?? {})) {
      lines.push(`  ${path} = ${JSON.stringify(value)}`);
    }
  }
  for (const warning of warnings) lines.push(`warning: ${warning}`);
  return `${lines.join("\n")}\n`;
}
