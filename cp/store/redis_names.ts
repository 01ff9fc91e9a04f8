import type { EventRecord } from "./store.ts";

/** What things are called in Redis. An event's id comes last, so that no other name can be made with it. */
export class Names {
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
