/**
 * Acts in an API server as a ServiceAccount that may do only what it was given.
 *
 * @module
 */

import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { openPlugin } from "./k8s_resource.ts";
import type { PolicyRule } from "@transporter/plugins/rights";
import type { Executor } from "@transporter/sdk";

/** Who acts. */
export interface Identity extends AsyncDisposable {
  /** A kubeconfig file that has its token. */
  readonly kubeconfig: string;
  /** Sends one request as it; the status, and the message or the object. */
  ask(
    method: string,
    path: string,
    options?: {
      readonly body?: unknown;
      readonly type?: string;
      readonly as?: string;
    },
  ): Promise<{ readonly status: number; readonly body: AnyObject }>;
  /** What it may do in a namespace, each right as {@linkcode rightsIn} writes it. */
  rights(namespace: string): Promise<ReadonlySet<string>>;
  /** An executor that acts as it. */
  executor(namespace: string): Promise<Executor>;
}

/** What an API server answers. */
export type AnyObject = Readonly<Record<string, unknown>>;

/** The rights in rules, one string for each: `patch apps/deployments`, `bind rbac.authorization.k8s.io/clusterroles "view"`. */
export function rightsIn(rules: readonly PolicyRule[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const rule of rules) {
    const names = rule.resourceNames?.map((name) => ` "${name}"`) ?? [""];
    for (const verb of rule.verbs) {
      for (const group of rule.apiGroups ?? []) {
        for (const resource of rule.resources ?? []) {
          for (const name of names) {
            found.add(`${verb} ${group}/${resource}${name}`);
          }
        }
      }
    }
  }
  return found;
}

/** Takes the identity of a ServiceAccount that is there. */
export async function actAs(
  kube: LocalKube,
  account: { readonly namespace: string; readonly name: string },
): Promise<Identity> {
  const { namespace, name } = account;
  const answer = await kube.fetch(
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ spec: {} }),
    },
  );
  const { status: { token } }: { status: { token: string } } = await answer
    .json();
  const kubeconfig = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  await Deno.writeTextFile(
    kubeconfig,
    JSON.stringify({
      "current-context": "account",
      contexts: [{
        name: "account",
        context: { cluster: "kube", user: "account", namespace },
      }],
      clusters: [{
        name: "kube",
        cluster: {
          server: kube.address.server,
          "certificate-authority-data": btoa(kube.address.caPem),
        },
      }],
      users: [{ name: "account", user: { token } }],
    }),
  );
  const client = Deno.createHttpClient({ caCerts: [kube.address.caPem] });
  const ask: Identity["ask"] = async (method, path, options = {}) => {
    const { body, type = "application/json", as } = options;
    const response = await fetch(kube.address.server + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": type,
        ...(as === undefined ? {} : { "impersonate-user": as }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      client,
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    kubeconfig,
    ask,
    async rights(where) {
      const { body } = await ask(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        { body: { spec: { namespace: where } } },
      );
      const { resourceRules } = body.status as {
        resourceRules: readonly PolicyRule[];
      };
      return rightsIn(resourceRules);
    },
    executor: (namespace) => openPlugin({ kubeconfig, namespace }),
    async [Symbol.asyncDispose]() {
      client.close();
      await Deno.remove(kubeconfig);
    },
  };
}
