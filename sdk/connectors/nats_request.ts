import type { Msg } from "@nats-io/transport-node";
import { isRecord, parseJson, type TransporterError } from "../mod.ts";
import type { AgentSubjects } from "./nats_subjects.ts";

/** A session that was asked for. */
export interface Opening {
  /** Its name. */
  readonly session: string;
  /** Whether the agent takes several frames in one message. */
  readonly gathers: boolean;
  /** What belongs to the agent. */
  readonly subjects: AgentSubjects;
}

/** Whether whoever asks for a session takes several frames in one message. */
export function gathersOf(message: Msg): boolean {
  try {
    const asked = parseJson(message.data);
    return isRecord(asked) && asked["gathers"] === true;
  } catch {
    return false; // nothing that this version knows
  }
}

/** Says why there is none. */
export function refuse(
  message: Msg,
  { code, message: text }: TransporterError,
): void {
  message.respond(JSON.stringify({ code, message: text }));
}
