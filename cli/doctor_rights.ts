import { TransporterError } from "@transporter/sdk";
import type { Finding } from "./doctor_checks.ts";
import type { Host, IdentityRequest } from "./host.ts";

const CURE =
  'give it a preset of deploy/rights, or what "transporter rbac generate" prints';

/** Which cluster it is, which an agent's journal holds. */
function clusterFinding(uid: string | undefined): Finding {
  const check = "cluster";
  return uid === undefined
    ? {
      check,
      result: "warning",
      message:
        "Which cluster it is may not be seen, so that an agent would not notice that it has become another one",
      cure:
        "allow it to get the namespace kube-system, as deploy/rights/base.yaml does",
    }
    : {
      check,
      result: "ok",
      message:
        `It is "${uid}", the uid of its namespace kube-system, which the journals of its agents hold`,
    };
}

/**
 * Says which cluster it is, lists what an identity may do in it, flags what it
 * had better not be allowed, and what it lacks.
 *
 * @param request Whose rights, and where.
 * @param host Asks the cluster.
 */
export async function examineRights(
  request: IdentityRequest,
  host: Pick<Host, "rightsOf">,
): Promise<readonly Finding[]> {
  const check = "rights";
  try {
    const { cluster, username, rights, dangers, lacks } = await host.rightsOf(
      request,
    );
    const what = rights.length === 0 ? "nothing" : "this";
    const head = `"${username}" may do ${what} in "${request.namespace}"`;
    return [
      clusterFinding(cluster),
      rights.length === 0
        ? { check, result: "warning", message: head, cure: CURE }
        : { check, result: "ok", message: head },
      ...rights.map((message): Finding => ({ check, result: "ok", message })),
      ...[...dangers, ...lacks].map((message): Finding => ({
        check,
        result: "warning",
        message,
        cure: CURE,
      })),
    ];
  } catch (error) {
    const { message } = TransporterError.from(error);
    return [{ check, result: "failed", message }];
  }
}
