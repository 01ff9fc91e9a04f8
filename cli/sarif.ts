import { VERSION } from "@transporter/sdk";
import { type FindingRow, findingsOf, warningsOf } from "./findings.ts";
import { failureOf, type Seen } from "./outcome.ts";

/** The word of SARIF for a severity. */
const LEVELS: Readonly<Record<string, string>> = {
  error: "error",
  warning: "warning",
  info: "note",
};

function ruleId({ policy, rule }: FindingRow): string {
  return `${policy}/${rule}`;
}

/** Where an object is, as a path: programs that read SARIF want files. */
function pathOf({ agent, namespace, kind, name }: FindingRow): string {
  return [agent, ...(namespace === "" ? [] : [namespace]), kind, name]
    .map(encodeURIComponent).join("/");
}

function resultOf(row: FindingRow): unknown {
  const path = pathOf(row);
  return {
    ruleId: ruleId(row),
    level: LEVELS[row.severity] ?? "warning",
    message: { text: row.message },
    locations: [{
      physicalLocation: { artifactLocation: { uri: path } },
      logicalLocations: [{
        name: row.name,
        fullyQualifiedName: path,
        kind: "resource",
      }],
    }],
  };
}

/** Whether the objects of an event were judged: also one that was refused for what was found was. */
function wasJudged({ view: { state, error } }: Seen): boolean {
  return state === "completed" || error?.code === "denied";
}

/** What has to be known of a run besides its findings: without it, one that could not run looks clean. */
function notificationsOf(seen: Seen): unknown[] {
  const say = (level: string, text: string) => ({ level, message: { text } });
  const failure = wasJudged(seen) ? undefined : failureOf(seen);
  return [
    ...(failure === undefined ? [] : [say("error", failure.message)]),
    ...warningsOf(seen.view.result).map((text) => say("warning", text)),
  ];
}

/**
 * Findings as other programs read those of any tool.
 *
 * @param seen The events.
 * @see {@link https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html}
 */
export function sarifOf(seen: readonly Seen[]): unknown {
  const rows = seen.flatMap(({ agent, view }) =>
    findingsOf(view.result, agent)
  );
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: {
        driver: {
          name: "transporter",
          version: VERSION,
          rules: [...new Set(rows.map(ruleId))].map((id) => ({ id })),
        },
      },
      invocations: [{
        executionSuccessful: seen.every(wasJudged),
        toolExecutionNotifications: seen.flatMap(notificationsOf),
      }],
      results: rows.map(resultOf),
    }],
  };
}
