import { formatDuration, isRecord } from "@transporter/sdk";
import type { Finding } from "./doctor_checks.ts";
import { safe } from "./text.ts";

/** So many messages that wait at a broker are worth knowing. */
const PENDING_WARNING = 1000;

/** Results that wait longer are worth knowing, in milliseconds. */
const LAG_MS_WARNING = 60_000;

/** Who is told how events end; nothing when nobody is. */
export function* checkResults(
  ready: Readonly<Record<string, unknown>>,
): Generator<Finding> {
  const { results } = ready;
  for (const each of Array.isArray(results) ? results : []) {
    const { sink, lag_ms: lagMs, fault } = isRecord(each) ? each : {};
    if (typeof sink !== "string" || typeof lagMs !== "number") continue;
    const check = "results";
    const lag = formatDuration(Math.round(lagMs / 1000) * 1e9);
    if (typeof fault === "string") {
      yield {
        check,
        result: "warning",
        message: `Results wait for ${safe(sink)} since ${lag}: ${safe(fault)}`,
        cure: "look at the receiver; nothing is lost while ends are kept",
      };
    } else if (lagMs > LAG_MS_WARNING) {
      yield {
        check,
        result: "warning",
        message: `Results are ${lag} late at ${safe(sink)}`,
        cure: "look how long the receiver takes for each",
      };
    } else {
      yield { check, result: "ok", message: `Results go to ${safe(sink)}` };
    }
  }
}

/** The brokers that events come from; nothing when there are none. */
export function* checkIngest(
  ready: Readonly<Record<string, unknown>>,
): Generator<Finding> {
  const { ingest } = ready;
  for (const each of Array.isArray(ingest) ? ingest : []) {
    const { source, pending } = isRecord(each) ? each : {};
    if (typeof source !== "string" || typeof pending !== "number") continue;
    const check = "ingest";
    const message = `Events come from ${safe(source)}; ${pending} wait there`;
    yield pending < PENDING_WARNING ? { check, result: "ok", message } : {
      check,
      result: "warning",
      message,
      cure:
        "look for agents whose queues are full: messages for them come again and again",
    };
  }
}

/** The broker that agents come over; nothing when there is none. */
export function* checkAgentBroker(
  ready: Readonly<Record<string, unknown>>,
): Generator<Finding> {
  const broker = ready["agent_broker"];
  if (!isRecord(broker)) return;
  const { urls, connected, error, wires } = broker;
  const check = "agent broker";
  const names = safe(Array.isArray(urls) ? urls.join(", ") : "");
  yield connected === true
    ? {
      check,
      result: "ok",
      message: `Agents are served over ${names}; ${Number(wires)} are there`,
    }
    : {
      check,
      result: "failed",
      message: `Agents are not served over ${names}: ${safe(String(error))}`,
      cure: "see the table of troubles in docs/nats.md",
    };
}
