/**
 * What tests of policies have in common.
 *
 * @module
 */
import { execute, silentLogger, systemClock } from "@transporter/sdk";
import type { EventStatus, Executor } from "@transporter/sdk";
import type { AuditResult } from "../findings.ts";
import { policy } from "../mod.ts";

/** What an event led to. */
export interface Audited {
  /** The last status. */
  readonly last: EventStatus;
  /** The result, also of an event that failed. */
  readonly result: AuditResult;
}

/** Opens the plugin. */
export async function openPolicy(config: unknown = {}): Promise<Executor> {
  const { signal } = new AbortController();
  return await policy.open(config as never, { signal, log: silentLogger });
}

/** Takes one event with this payload through its phases. */
export async function runPolicy(
  executor: Executor,
  payload: unknown,
  signal: AbortSignal = new AbortController().signal,
  onStatus: (status: EventStatus) => void = () => {},
): Promise<Audited> {
  const last = await execute(executor, {
    id: crypto.randomUUID(),
    type: "policy",
    target_agent: "test",
    payload: payload as never,
    created_at: "2026-11-28T05:04:27Z",
    created_by: "test",
    ttl: 60e9,
    priority: 0,
    labels: {},
  }, {
    agentId: "test",
    attempt: 1,
    deadline: systemClock.now() + 120_000,
    signal,
    clock: systemClock,
    log: silentLogger,
    record: (status) => Promise.resolve(onStatus(status)),
  });
  return { last, result: last.result as unknown as AuditResult };
}

/** `severity policy/rule Kind/name: message` of each finding. */
export function told({ result }: Audited): string[] {
  return result.resource_status.map((each) =>
    `${each.severity} ${each.policy}/${each.rule} ${each.kind}/${each.name}: ${each.message}`
  );
}

/** A policy about ConfigMaps and its binding, with more in the spec of each. */
export function policyOf(
  name: string,
  spec: Readonly<Record<string, unknown>>,
  binding: Readonly<Record<string, unknown>> = {},
): readonly Readonly<Record<string, unknown>>[] {
  return [
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [{
            apiGroups: [""],
            apiVersions: ["v1"],
            operations: ["CREATE", "UPDATE"],
            resources: ["configmaps"],
          }],
        },
        ...spec,
      },
    },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"], ...binding },
    },
  ];
}
