import { type Clock, TransporterError } from "@transporter/sdk";
import type { ApiClient, CallOptions } from "../client.ts";
import { type Fields, recordOf, recordsOf } from "../ready_parts.ts";

/** How long what was allowed counts as allowed, in milliseconds. Nothing is refused by it: what is not known to be allowed is asked. */
const KEEP_MS = 30_000;

/** Answers that are remembered. */
const KEPT_MAX = 500;

/** Something that is done with objects of a kind. */
export interface Right {
  /** Where; empty: in the whole cluster. */
  readonly namespace: string;
  /** The API group; empty for the core group. */
  readonly group: string;
  /** The plural. */
  readonly resource: string;
  /** Which object; empty: any of them. */
  readonly name: string;
  /** What is done. */
  readonly verb: string;
}

/** How an identity's rights are asked for. */
export interface Asker {
  /** Asks as the identity. */
  readonly client: ApiClient;
  /** Tells the identity from others of this agent. */
  readonly identity: string;
  /** The bounds of a call, without what is done. */
  readonly limits: Omit<CallOptions, "doing">;
  /** Told what is no reason to refuse the event. */
  readonly warn: (warning: string) => void;
}

const REVIEWS = "/apis/authorization.k8s.io/v1/";

function covers(list: unknown, word: string): boolean {
  return Array.isArray(list) && (list.includes("*") || list.includes(word));
}

/** Whether one of the rules allows it. */
export function isListed(rules: readonly Fields[], right: Right): boolean {
  const { verb, group, resource, name } = right;
  return rules.some((rule) => {
    const { resourceNames: names } = rule;
    const isNamed = Array.isArray(names) && names.length > 0;
    return covers(rule.verbs, verb) && covers(rule.apiGroups, group) &&
      covers(rule.resources, resource) &&
      (!isNamed || name !== "" && names.includes(name));
  });
}

/**
 * Finds out what an identity may do. What is allowed is remembered for half a
 * minute, so that events that follow each other ask once; what is not is asked
 * for each time.
 */
export class Reviews {
  readonly #clock: Clock;
  readonly #known = new Map<
    string,
    { readonly rules: readonly Fields[]; readonly at: number }
  >();

  /** Makes one that has asked for nothing yet. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The rules that hold in a namespace. There may be more than the server
   * names, so that what they do not allow is not refused for certain.
   *
   * @throws {TransporterError} As `ApiClient.call`, unless the server has no such review.
   */
  async rulesIn(namespace: string, asker: Asker): Promise<readonly Fields[]> {
    const key = `${asker.identity} ${namespace}`;
    const known = this.#recall(key);
    if (known !== undefined) return known;
    const status = await review(
      "selfsubjectrulesreviews",
      { namespace },
      asker,
    );
    const rules = recordsOf(status?.resourceRules);
    this.#keep(key, rules);
    return rules;
  }

  /**
   * Whether something is allowed; `undefined` when the server does not say.
   *
   * @throws {TransporterError} As `ApiClient.call`, unless the server has no such review.
   */
  async isAllowed(right: Right, asker: Asker): Promise<boolean | undefined> {
    const { namespace, group, resource, name, verb } = right;
    const resourceAttributes = { namespace, group, resource, name, verb };
    const key = `${asker.identity} ${JSON.stringify(resourceAttributes)}`;
    if (this.#recall(key) !== undefined) return true;
    const status = await review(
      "selfsubjectaccessreviews",
      { resourceAttributes },
      asker,
    );
    if (status?.allowed === undefined) return undefined;
    if (status.allowed === true) this.#keep(key, []);
    return status.allowed === true;
  }

  /**
   * Whether all is well with something, which is asked unless it was well a
   * moment ago.
   *
   * @param what What; names the identity too, where it matters who asks.
   * @param ask Finds out.
   */
  async isWell(what: string, ask: () => Promise<boolean>): Promise<boolean> {
    if (this.#recall(what) !== undefined) return true;
    const well = await ask();
    if (well) this.#keep(what, []);
    return well;
  }

  #recall(key: string): readonly Fields[] | undefined {
    const known = this.#known.get(key);
    return known !== undefined && this.#clock.monotonic() - known.at < KEEP_MS
      ? known.rules
      : undefined;
  }

  #keep(key: string, rules: readonly Fields[]): void {
    this.#known.delete(key);
    this.#known.set(key, { rules, at: this.#clock.monotonic() });
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > KEPT_MAX && oldest !== undefined) {
      this.#known.delete(oldest);
    }
  }
}

/** What the cluster says; `undefined` when it has no such question, or does not answer it to us. */
export async function ifTold<Answer>(
  answer: Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    const isRefused = error instanceof TransporterError &&
      ["denied", "not_found", "unsupported", "unknown_kind"].includes(
        error.code,
      );
    if (isRefused) return undefined;
    throw error;
  }
}

/** What a review says; `undefined` as {@linkcode ifTold}. */
async function review(
  resource: string,
  spec: Fields,
  { client, limits }: Asker,
): Promise<Fields | undefined> {
  const answer = await ifTold(client.call({
    method: "POST",
    path: REVIEWS + resource,
    contentType: "application/json",
    body: JSON.stringify({ spec }),
  }, { ...limits, doing: "ask the cluster what may be done" }));
  return answer && recordOf(answer.body.status);
}
