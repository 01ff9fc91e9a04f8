/** Work of one call at most, as Kubernetes has it: about a tenth of a second. */
export const CALL_COST_MAX = 1_000_000;

/** An expression that was stopped because it costs too much. */
export class CostError extends Error {
  override readonly name = "CostError";
}

/**
 * Counts what an expression costs while it runs.
 *
 * `cost` is that of the API server, unit for unit. `work` is what this machine
 * does beside it: where a step here takes longer than what the API server
 * charges for it (regular expressions, comparing deep values), it counts more,
 * so that no expression runs much longer than a tenth of a second.
 */
export class Meter {
  cost = 0;
  work = 0;

  constructor(readonly limit: number = CALL_COST_MAX) {}

  /** Counts a step before it is done. */
  spend(cost: number): void {
    this.cost += cost;
    if (this.cost > this.limit) {
      throw new CostError("operation cancelled: actual cost limit exceeded");
    }
  }

  /** Counts work that the API server does not charge for. */
  labour(work: number): void {
    this.work += work;
    if (this.work > this.limit) {
      throw new CostError("operation cancelled: actual cost limit exceeded");
    }
  }
}

/** What going through so many characters costs. */
export function traversal(size: number, factor = 0.1): number {
  return Math.ceil(size * factor);
}
