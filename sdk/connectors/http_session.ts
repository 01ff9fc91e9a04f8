import { isRecord, TransporterError, type Wire } from "../mod.ts";
import { type DialledParts, DialledWire } from "./dialled_wire.ts";
import { ANSWER_MS_MAX } from "./http_request.ts";

/** Opens a wire, and returns its dialling end. */
export async function dialRequests(
  parts: Omit<DialledParts, "session">,
  { signal, host }: {
    readonly signal: AbortSignal;
    /** Whom errors name. */
    readonly host: string;
  },
): Promise<Wire> {
  const answer = await parts.requests.ask({
    path: "v2/link/sessions",
    body: { frames: [] },
    timeoutMs: ANSWER_MS_MAX,
    signal,
  });
  const session = isRecord(answer) ? answer["session"] : undefined;
  if (typeof session !== "string") {
    throw new TransporterError(
      "unavailable",
      `Cannot connect to "${host}": it answers without a session, so that something else may have answered`,
    );
  }
  return new DialledWire({ ...parts, session });
}
