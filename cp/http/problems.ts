import type { Ids, Logger } from "@transporter/sdk";
import { problemOf } from "./problem.ts";
import type { Services } from "./services.ts";

/** Makes answers of what went wrong, and logs what clients are not told. */
export function problems(
  { ids, log }: { readonly ids: Ids; readonly log: Logger },
): Services["problem"] {
  return (reason) => {
    const problem = problemOf(reason, { newId: () => ids.next() });
    const { code, instance } = problem.body;
    if (code === "internal") {
      log.error("Request has failed", { instance, error: reason });
    }
    if (code === "store_unavailable") {
      log.warn("Store cannot be used", { error: reason });
    }
    return problem;
  };
}
