import type { ArchiveItem, MoveMarks } from "./archive.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { entryLine } from "./redis_history.ts";
import type { Names } from "./redis_names.ts";
import {
  agentWords,
  changingPart,
  fixedPart,
  tombstoneWord,
} from "./redis_rows.ts";

/** What a store in Redis remembers of being moved. */
export async function readMarks(redis: RedisConnection): Promise<MoveMarks> {
  const reply = await redis.ask("HMGET", "tp:meta", "source", "target");
  const [source, target] = reply as readonly (string | null)[];
  return {
    ...(source ? { source: JSON.parse(source) } : {}),
    ...(target ? { target: JSON.parse(target) } : {}),
  };
}

/** The step that adds a piece: its name, the tenant, and its words. */
export function stepOf(
  item: ArchiveItem,
  names: Names,
): readonly [name: string, tenant: string, words: readonly string[]] {
  switch (item.kind) {
    case "agent": {
      const { agent, deleted } = item;
      const words = [agent.id, deleted ? "1" : "0", ...agentWords(agent)];
      return ["putagent", agent.tenant, words];
    }
    case "mark": {
      const { tenant, name, value } = item;
      return ["putmark", tenant, [name, String(value)]];
    }
    case "tombstone": {
      const { tenant, tombstone, key } = item;
      const { id, until } = tombstone;
      const text = tombstoneWord(tombstone, key);
      return ["putdead", tenant, [id, text, key ?? "", String(until)]];
    }
    case "event": {
      const { record, payload, acceptedUpto, logs } = item;
      const { tenant, spec, enq, result, seq, readyAt, finishedAt } = record;
      const traits = names.traits(record);
      return ["putevent", tenant, [
        spec.id,
        String(enq),
        record.idempotencyKey ?? "",
        spec.target_agent,
        String(spec.priority),
        String(record.bytes),
        fixedPart(record),
        payload,
        String(acceptedUpto),
        String(record.revision),
        record.state,
        changingPart(record),
        result === undefined ? "" : JSON.stringify(result),
        String(seq ?? ""),
        String(readyAt ?? ""),
        String(record.dueAt),
        String(finishedAt ?? 0),
        String(traits.length),
        ...traits,
        ...logs.map((chunk) => JSON.stringify(chunk)),
      ]];
    }
    case "entry": {
      const { change, tenant, entry: { revision, ...status } } = item;
      return ["putentry", tenant, [
        status.event_id,
        String(change),
        entryLine(revision, { status }),
      ]];
    }
  }
}
