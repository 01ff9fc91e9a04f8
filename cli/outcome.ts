import { type EventView, TransporterError } from "@transporter/sdk";
import { took } from "./ages.ts";
import {
  findingColumns,
  type FindingRow,
  findingsOf,
  isJudging,
  judged,
  warningsOf,
} from "./findings.ts";
import type { Invocation } from "./invocation.ts";
import { onlyAsks, showChanges } from "./object_changes.ts";
import { objectColumns, type ObjectRow, objectsOf, tally } from "./objects.ts";
import { styleOf } from "./paint.ts";
import { Table } from "./table.ts";
import { safe } from "./text.ts";

/** How an event looked when it was waited for no more. */
export interface Seen {
  /** The agent it was for. */
  readonly agent: string;
  /** The event as it was then. */
  readonly view: EventView;
}

/** What the end of an event means for whoever waited for it; `undefined` when it is what was wanted. */
export function failureOf({ agent, view }: Seen): TransporterError | undefined {
  const { state, message, error, spec } = view;
  if (state !== "failed" && state !== "expired" && state !== "cancelled") {
    return undefined;
  }
  const word = {
    failed: "failed",
    expired: "expired",
    cancelled: "was cancelled",
  };
  const why = error?.message ?? message;
  const code = error === undefined || error.code === state
    ? ""
    : ` (${error.code})`;
  return new TransporterError(
    state,
    `Event "${spec.id}" ${word[state]} on agent "${agent}": ${why}${code}`,
    { ...(error?.details === undefined ? {} : { details: error.details }) },
  );
}

/** How an event ended, in a line: when it took how long, and how many objects became what. */
export function summaryLine(
  invocation: Invocation,
  { agent, view }: Seen,
): string {
  const { state, phase, result, spec } = view;
  const word = state === "in_progress" ? phase ?? state : state;
  const time = result === undefined ? "" : ` in ${took(result.duration)}`;
  const asks = onlyAsks({ agent, view });
  const counts = isJudging(view)
    ? judged(result)
    : tally(objectsOf(result, agent), { asks });
  const more = result?.["truncated"] === true
    ? ", and more that is not kept"
    : "";
  const shown = invocation.paint(safe(word), styleOf(word));
  return `event/${safe(spec.id)} ${shown}${time} (agent ${safe(agent)})` +
    `${asks ? ", nothing written" : ""}` +
    `${counts === "" ? "" : `: ${safe(counts)}${more}`}\n`;
}

/** Warnings of an event that are shown; one for each of 2,000 objects would leave nothing else on the screen. */
const WARNINGS_MAX = 20;

/** Shows what the agents warn of, which else nobody would see who waits. */
function showWarnings(invocation: Invocation, seen: readonly Seen[]): void {
  for (const { agent, view } of seen) {
    const warnings = warningsOf(view.result);
    const word = invocation.paintError(
      seen.length > 1 ? `warning (${safe(agent)}):` : "warning:",
      "warn",
    );
    for (const warning of warnings.slice(0, WARNINGS_MAX)) {
      invocation.note(`${word} ${safe(warning)}`);
    }
    const more = warnings.length - WARNINGS_MAX;
    if (more > 0) {
      const look = `"transporter describe event ${safe(view.spec.id)}"`;
      invocation.note(`${word} ${more} more, which ${look} shows`);
    }
  }
}

/** Shows what policies found, of all events in one table. */
function showFindings(invocation: Invocation, seen: readonly Seen[]): void {
  const rows = seen.flatMap(({ agent, view }) =>
    findingsOf(view.result, agent)
  );
  if (rows.length > 0) {
    const columns = findingColumns({ agent: seen.length > 1 });
    const table = new Table<FindingRow>(columns, invocation.tableOptions);
    invocation.print(table.head(rows));
  }
}

/** Shows what became of each object, of all events in one table; below it how objects differ, and warnings. */
export function showObjects(
  invocation: Invocation,
  seen: readonly Seen[],
): void {
  const judging = seen.filter(({ view }) => isJudging(view));
  if (judging.length > 0) showFindings(invocation, judging);
  const rows = seen.filter(({ view }) => !isJudging(view))
    .flatMap(({ agent, view }) => objectsOf(view.result, agent));
  if (rows.length > 0) {
    const columns = objectColumns(rows, {
      agent: seen.length > 1,
      wide: invocation.format === "wide",
    });
    const table = new Table<ObjectRow>(columns, invocation.tableOptions);
    invocation.print(table.head(rows));
    showChanges(invocation, seen);
  }
  showWarnings(invocation, seen);
}
