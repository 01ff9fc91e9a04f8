/**
 * The faults of the Go prototype that this program must not have, and the test
 * of each. A test has the name it has here, or begins with it; `sim` are found
 * by a planted fault in the simulator, `lint` by a rule.
 */
import { deepStrictEqual } from "node:assert/strict";
import { repositoryTexts } from "./files.ts";

/**
 * By the number in the list of its faults. F35 has no test: two threads that
 * write one record, where this program has one. The others that are not here
 * are about who may do what, and about how it was built and installed.
 */
const FAULTS: Readonly<Record<string, string>> = {
  // Losing acknowledged work.
  F01: "crash.accept.kill9",
  F02: "link.cut.inflight",
  F03: "store.body.recoverable",
  F04: "ingest.ack.after.commit",
  F05: "link.write.error",
  F06: "session.two.writers",
  F07: "status.lost.final",
  F08: "report() of a failure on the last attempt",
  F09: "doctor.redis.volatile (F09)",
  F10: "agent.sigterm.midapply",
  F11: "cp.sigterm.drain",
  F12: "ingest.poison.quarantine",
  F13: "ingest.expired.once",
  F14: "ingest.consumer.dead",
  F15: "producer.timeout.retry",
  // Hanging, crashing, never coming back.
  F20: "stalled.agent.isolation",
  F21: "session.takeover",
  F22: "agent.reconnect.forever",
  F23: "agent.burst.500",
  F24: "session.send.after.close",
  F25: "Link.close() is idempotent",
  F26: "store.slow.2s",
  F27: "reconnect.latency",
  F28: "halfopen.45s",
  F29: "slowloris.",
  F30: "k8s.hang",
  F31: "agent.flood.10k",
  F32: "ready.store.down",
  F33: "stuck.inprogress",
  F34: "ha.two.replicas",
  // Wrong answers.
  F40: "status.race",
  F41: "status.history.kept",
  F42: "status.transitions",
  F43: "status.concurrent",
  F44: "store.flaky.read",
  F45: "index.consistent",
  F46: "store.crash.midwrite",
  F47: "metrics.equal.history",
  F48: "dup.id.",
  F49: "order.fifo",
  F50: "order.exec",
  F51: "order.priority",
  F52: "expiry.inflight",
  F53: "ttl.",
  F54: "http.errors",
  F55: "capability.mismatch",
  F56: "agent.lease.expires",
  F57: "agent.undecodable",
  // Its executor.
  F60: "yaml.multidoc (F60)",
  F61: "apply.foreign.fields (F61)",
  F62: "apply.partial (F62)",
  F63: "apply.crd.then.cr (F63)",
  F64: "discovery.newcrd (F64)",
  F65: "apply.generateName (F65)",
  F66: "apply.report (F66)",
  F67: "apply.unchanged (F67)",
  F68: "verify.rollout.fails (F68)",
  F69: "delete.guard (F69)",
  // Security, as far as the executor goes.
  F88: "rbac.render (F88)",
  F96: "yaml.limits (F96)",
  // Its client and its documentation.
  F110: "producer.sample.file",
  F111: "producer.defaults",
  F113: "docs.commands",
  F115: "docs.help",
};

Deno.test("every fault of upstream has its test", async () => {
  const texts = await repositoryTexts();
  const tests = [...texts].filter(([path]) =>
    /(_test|\/testing\/\w+)\.ts$/.test(path) &&
    path !== "tests/upstream_faults_test.ts"
  ).map(([, text]) => text).join("\n");
  const missing = Object.entries(FAULTS).filter(([, name]) =>
    !new RegExp(`["\`]${RegExp.escape(name)}[^"\`]`).test(tests)
  );
  deepStrictEqual(missing, []);
});
