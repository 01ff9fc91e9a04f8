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

/** Shows what policies found, of all events in one table, and what to know besides. */
function showFindings(invocation: Invocation, seen: readonly Seen[]): void {
  const rows = seen.flatMap(({ agent, view }) =>
    findingsOf(view.result, agent)
  );
  if (rows.length > 0) {
    const columns = findingColumns({ agent: seen.length > 1 });
    const table = new Table<FindingRow>(columns, invocation.tableOptions);
    invocation.print(table.head(rows));
  }
  for (const { view } of seen) {
    for (const warning of warningsOf(view.result)) {
      invocation.note(`warning: ${safe(warning)}`);
    }
  }
}

/** Shows what became of each object, of all events in one table, and below it how objects differ. */
export function showObjects(
  invocation: Invocation,
  seen: readonly Seen[],
): void {
  const judging = seen.filter(({ view }) => isJudging(view));
  if (judging.length > 0) showFindings(invocation, judging);
  const rows = seen.filter(({ view }) => !isJudging(view))
    .flatMap(({ agent, view }) => objectsOf(view.result, agent));
  if (rows.length === 0) return;
  const columns = objectColumns(rows, {
    agent: seen.length > 1,
    wide: invocation.format === "wide",
  });
  const table = new Table<ObjectRow>(columns, invocation.tableOptions);
  invocation.print(table.head(rows));
  showChanges(invocation, seen);
}
