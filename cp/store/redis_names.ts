import type { CommitNote } from "./shared.ts";
import type { EventRecord } from "./store.ts";

/** What things are called in Redis. An event's id comes last, so that no other name can be made with it. */
export class Names {
  readonly #from: string;

  /** Makes the names; `from` says who writes, in what others are told. */
  constructor(from: string) {
    this.#from = from;
  }

  /** A tenant as a part of names: without a colon. */
  tenant(tenant: string): string {
    return encodeURIComponent(tenant);
  }

  /** A key of a tenant: of what is said by `kind`, such as `all`. */
  of(kind: string, tenant: string): string {
    return `tp:${kind}:${this.tenant(tenant)}`;
  }

  /** A key about something of a tenant. */
  about(kind: string, tenant: string, name: string): string {
    return `tp:${kind}:${this.tenant(tenant)}:${name}`;
  }

  /** The key of an event. */
  event(tenant: string, id: string): string {
    return this.about("event", tenant, id);
  }

  /** A label as a part of the names of lists; no type is the same, as that is one text and not two. */
  label(name: string, value: string): string {
    return JSON.stringify([name, value]);
  }

  /** A type as a part of the names of lists. */
  type(type: string): string {
    return JSON.stringify([type]);
  }

  /** The type and the labels of an event as parts of the names of lists that it is in. */
  traits({ spec }: Pick<EventRecord, "spec">): readonly string[] {
    const labels = Object.entries(spec.labels);
    return [
      this.type(spec.type),
      ...labels.map(([name, value]) => this.label(name, value)),
    ];
  }

  /** What others are told of a change of an event; the script adds the numbers of the changes, and ends it. */
  note(tenant: string, { spec }: Pick<EventRecord, "spec">): string {
    return this.#note({
      tenant,
      agent: spec.target_agent,
      event: spec.id,
    });
  }

  /** What others are told of an agent's session, or of its pause. */
  agentNote(tenant: string, agent: string): string {
    return this.#note({ tenant, agent });
  }

  #note(note: Omit<CommitNote, "from" | "change">): string {
    return JSON.stringify({ from: this.#from, ...note }).slice(0, -1);
  }
}

/** What a member such as `0000000000000007:default:e1` says of an event. */
export function readMember(member: string): {
  /** Its place in the order of acceptance. */
  readonly enq: number;
  /** Whose it is. */
  readonly tenant: string;
  /** Its id. */
  readonly id: string;
} {
  const first = member.indexOf(":");
  const second = member.indexOf(":", first + 1);
  return {
    enq: Number(member.slice(0, first)),
    tenant: decodeURIComponent(member.slice(first + 1, second)),
    id: member.slice(second + 1),
  };
}
