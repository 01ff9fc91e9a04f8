import { TransporterError } from "@transporter/sdk";
import {
  builtInPlace,
  type ReadObject,
  readObjects,
} from "../k8s_resource/port.ts";
import { Auditor } from "./auditor.ts";
import { type Book, readDocuments, readRules, together } from "./book.ts";
import { type AuditResult, Findings } from "./findings.ts";
import { bareNamespace, type Live } from "./live.ts";
import { notEvaluable } from "./match.ts";
import { Params } from "./params.ts";
import type { Payload, Target } from "./payload.ts";
import type { Policy } from "./policy.ts";
import { type Fields, type Kind, partOf, type Subject } from "./subject.ts";

/** What a payload asks for, read. */
export interface Audit {
  readonly book: Book;
  readonly objects: readonly ReadObject[];
  readonly targets: readonly Target[];
  readonly namespace: string | undefined;
  readonly isEnforced: boolean;
}

/**
 * Reads a payload.
 *
 * @throws {TransporterError} As {@linkcode readDocuments} and {@linkcode readRules}.
 */
export async function readAudit(payload: Payload): Promise<Audit> {
  const { policies = [], policy_rules: rules, manifests, targets = [] } =
    payload;
  const given = await readDocuments(policies, { isGate: false });
  const book = together(given, readRules(rules ?? []));
  return {
    book,
    objects: (manifests ?? []).length === 0
      ? []
      : await readObjects(manifests ?? []),
    targets,
    namespace: payload.namespace,
    isEnforced: payload.mode === "enforce",
  };
}

/**
 * Refuses a payload that can never succeed.
 *
 * @throws {TransporterError} As {@linkcode readAudit}.
 */
export async function checkPayload(payload: Payload): Promise<void> {
  await readAudit(payload);
}

/** What an audit needs of the outside. */
export interface AuditContext {
  /** The cluster, if there is one; findings take its warnings. */
  readonly open: (
    warn: (warning: string) => void,
  ) => Promise<Live | undefined>;
  /** Told how far it is. */
  readonly report: (message: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Runs an audit. */
class Running {
  readonly #audit: Audit;
  readonly #findings: Findings;
  readonly #auditor: Auditor;
  readonly #live: Live | undefined;
  readonly #context: AuditContext;
  /** Namespaces that are among the manifests. */
  readonly #namespaces: ReadonlyMap<string, Fields>;

  static async start(audit: Audit, context: AuditContext): Promise<Running> {
    const findings = new Findings();
    const live = await context.open((warning) => findings.warn(warning));
    return new Running(audit, { findings, live, context });
  }

  constructor(audit: Audit, { findings, live, context }: {
    readonly findings: Findings;
    readonly live: Live | undefined;
    readonly context: AuditContext;
  }) {
    this.#audit = audit;
    this.#findings = findings;
    this.#live = live;
    this.#context = context;
    const { book } = audit;
    const params = new Params(book.params, live);
    this.#auditor = new Auditor({
      book,
      findings,
      params,
      signal: context.signal,
    });
    this.#namespaces = new Map(
      audit.objects
        .filter(({ group, kind }) => group === "" && kind === "Namespace")
        .map(({ name, value }) => [name, value]),
    );
    for (const warning of book.warnings) findings.warn(warning);
    for (const { name, match } of book.policies) {
      for (const what of notEvaluable(match, ["CREATE"])) {
        findings.warn(
          `The policy "${name}" is also for ${what}, which cannot be judged by looking at objects`,
        );
      }
    }
  }

  async run(): Promise<AuditResult> {
    await this.#manifests();
    for (const target of this.#audit.targets) await this.#target(target);
    return this.#findings.result();
  }

  async #manifests(): Promise<void> {
    const { objects, book: { policies } } = this.#audit;
    if (objects.length === 0) return;
    this.#findings.warn(
      "The manifests are judged as they are, without the defaults that a cluster would add",
    );
    for (const object of objects) {
      this.#context.signal.throwIfAborted();
      const subject = await this.#subjectOf(object);
      for (const policy of policies) {
        const matching = this.#auditor.matching(policy, subject.of);
        if (matching.kind !== "version") continue;
        this.#findings.warn(
          `The policy "${policy.name}" is for ${subject.of.kind} in the version ${
            matching.versions.join(", ")
          }, so it does not judge those of the manifests, which are in ${subject.of.version}`,
        );
      }
      const own = policies.filter((policy) =>
        this.#auditor.matching(policy, subject.of).kind === "yes"
      );
      await this.#auditor.judge(subject, own, true);
    }
  }

  async #subjectOf(object: ReadObject): Promise<Subject> {
    const { name, value } = object;
    const of = await this.#kindOf(object);
    const namespace = of.namespaced
      ? object.namespace || this.#audit.namespace ||
        this.#live?.namespace || "default"
      : "";
    const metadata = partOf(value, "metadata");
    return {
      ...{ of, namespace, name },
      operation: "CREATE",
      object: of.namespaced
        ? { ...value, metadata: { ...metadata, namespace } }
        : value,
      oldObject: null,
      namespaceObject: await this.#namespaceOf(namespace),
    };
  }

  async #kindOf({ group, version, kind }: ReadObject): Promise<Kind> {
    const declared = this.#audit.objects.map(({ declares }) => declares).find((
      each,
    ) => each?.group === group && each.kind === kind);
    const place = declared ?? builtInPlace({ group, kind });
    if (place !== undefined) {
      const { resource, namespaced } = place;
      return { group, version, kind, resource, namespaced };
    }
    const found = await this.#live?.find(group, version, kind);
    if (found !== undefined) return found;
    this.#findings.warn(
      `The kind "${kind}" of "${group}/${version}" is not known, so it is taken for one in namespaces`,
    );
    const resource = `${kind.toLowerCase()}s`;
    return { group, version, kind, resource, namespaced: true };
  }

  async #namespaceOf(name: string): Promise<Fields | null> {
    if (name === "") return null;
    const given = this.#namespaces.get(name);
    if (given !== undefined) return given;
    if (this.#live === undefined) return bareNamespace(name);
    const known = this.#live.knownNamespace(name);
    return (known === undefined
      ? await this.#live.namespaceObject(name)
      : known) ?? bareNamespace(name);
  }

  async #target(target: Target): Promise<void> {
    const live = this.#live;
    if (live === undefined) {
      throw new TransporterError(
        "no_cluster",
        `Cannot look at the objects of the kind "${target.kind}": this agent is beside no cluster`,
      );
    }
    const of = await live.kindOf(target);
    const { policies, rules } = this.#audit.book;
    const own = policies.filter((policy) =>
      this.#auditor.matching(policy, of).kind === "yes"
    );
    if (own.length > 0 || rules.length > 0 || policies.length === 0) {
      await this.#scan(live, { target, of, policies: own, withRules: true });
    }
    for (const [version, some] of await this.#versions(live, of)) {
      const other = { ...of, version };
      await this.#scan(live, {
        ...{ target, of: other, policies: some },
        withRules: false,
      });
    }
  }

  /** Policies that are for other versions of a kind, by one of these that the cluster serves. */
  async #versions(
    live: Live,
    of: Kind,
  ): Promise<ReadonlyMap<string, Policy[]>> {
    const byVersion = new Map<string, Policy[]>();
    for (const policy of this.#audit.book.policies) {
      const matching = this.#auditor.matching(policy, of);
      if (matching.kind !== "version") continue;
      let served: string | undefined;
      for (const version of matching.versions) {
        const found = await live.find(of.group, version, of.kind);
        if (found !== undefined) served ??= version;
      }
      if (served === undefined) continue;
      byVersion.set(served, [...byVersion.get(served) ?? [], policy]);
    }
    return byVersion;
  }

  async #scan(live: Live, { target, of, policies, withRules }: {
    readonly target: Target;
    readonly of: Kind;
    readonly policies: readonly Policy[];
    readonly withRules: boolean;
  }): Promise<void> {
    let seen = 0;
    for await (const page of live.pages(of, target)) {
      for (const object of page) {
        seen++;
        const metadata = partOf(object, "metadata");
        const namespace = String(metadata["namespace"] ?? "");
        await this.#auditor.judge(
          {
            ...{ of, namespace, name: String(metadata["name"]) },
            operation: "CREATE",
            ...{ object, oldObject: null },
            namespaceObject: await this.#namespaceOf(namespace),
          },
          policies,
          withRules,
        );
      }
      await this.#context.report(
        `Judged ${seen} objects of the kind ${of.kind}`,
      );
      this.#context.signal.throwIfAborted();
    }
  }
}

/**
 * Judges what a payload names.
 *
 * @returns What was found.
 * @throws {TransporterError} When objects cannot be read; what the signal aborts with.
 */
export async function runAudit(
  audit: Audit,
  context: AuditContext,
): Promise<AuditResult> {
  const running = await Running.start(audit, context);
  return await running.run();
}
