import { type Phase, PHASES, type State } from "@transporter/sdk";
import { refuse } from "./options.ts";

/** What can be waited for: a step that every successful event takes. */
export type Goal = Extract<State, "assigned" | "completed"> | Phase;

/** The goals of `--wait`, in the order in which an event reaches them. */
export const GOALS: readonly Goal[] = [
  "assigned",
  ...PHASES.slice(0, PHASES.indexOf("completed") + 1),
];

/**
 * Reads what `--wait` waits for.
 *
 * @throws {TransporterError} `usage`.
 */
export function goal(value: string): Goal {
  return GOALS.find((each) => each === value) ??
    refuse("--wait", value, `one of ${GOALS.join(", ")}`);
}
