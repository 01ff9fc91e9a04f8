import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { RegistrationFrame } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import {
  type Agreement,
  faultOf,
  lenient,
  replyTo,
  versionOf,
  welcomeTo,
} from "./handshake.ts";
import type { AgentRecord } from "./store/store.ts";

const PLAIN: RegistrationFrame = {
  type: "registration",
  id: "edge-1",
  name: "edge-1",
  cluster_name: "c",
  version: "0.1.0",
  capabilities: ["k8s_crud"],
};

function offering(
  versions: readonly number[],
  resume?: { epoch: string; recv: number },
): RegistrationFrame {
  return {
    ...PLAIN,
    link: {
      versions,
      features: ["parts", "teleport", "ack"],
      instance: "i",
      window: 8,
      max_frame: 524_288,
      clock: "",
      executors: [],
      ...(resume === undefined ? {} : { resume }),
    },
  };
}

function agreement(
  registration: RegistrationFrame,
  linkVersion: 1 | 2,
): Agreement {
  const agent = {
    id: "edge-1",
    linkVersion,
    gen: 4,
    epoch: "e_1",
    nextSeq: 10,
    statusUpto: 33,
  } as AgentRecord;
  return { registration, agent, session: "s_1" };
}

const FAULTS: Readonly<Record<string, Partial<RegistrationFrame>>> = {
  "agent ID is required": { id: "" },
  "agent name is required": { name: "" },
  "cluster name is required": { cluster_name: "" },
  "agent version is required": { version: "" },
  "at least one capability is required": { capabilities: [] },
  "agent ID must be 1 to 128 letters, digits, dots, underscores and hyphens": {
    id: "../../etc",
  },
  "registration must have at most 65536 characters": {
    labels: { a: "x".repeat(70_000) },
  },
};

for (const [text, fields] of Object.entries(FAULTS)) {
  Deno.test(`faultOf() says: ${text}`, () => {
    strictEqual(faultOf({ ...PLAIN, ...fields }), text);
  });
}

Deno.test("faultOf() finds nothing wrong with a proper registration", () => {
  strictEqual(faultOf(PLAIN), undefined);
});

Deno.test("versionOf() is the best version that both speak", () => {
  strictEqual(versionOf(PLAIN), 1);
  strictEqual(versionOf(offering([1, 2, 3])), 2);
  strictEqual(versionOf(offering([3, 1])), 1);
  strictEqual(versionOf(offering([3])), undefined);
});

Deno.test("replyTo() is a flat object of strings, with nothing new for v1 agents", () => {
  deepStrictEqual(replyTo(agreement(PLAIN, 1)), {
    type: "reply",
    status: "registered",
    message: "Agent edge-1 registered successfully",
  });
  const { link, session } = replyTo(agreement(offering([2]), 2));
  deepStrictEqual({ link, session }, { link: "2", session: "s_1" });
});

const RESUMES: readonly (readonly [string, number, string])[] = [
  ["e_1", 9, "resumed"],
  ["e_1", 0, "resumed"],
  ["e_1", 10, "fresh"], // the agent knows more than was released
  ["e_0", 9, "fresh"],
];

for (const [epoch, recv, resume] of RESUMES) {
  Deno.test(`welcomeTo() an agent that has ${recv} of ${epoch} says "${resume}"`, () => {
    const hello = agreement(offering([2], { epoch, recv }), 2);
    const options = { heartbeatMs: 10_000, idleMs: 45_000, now: 0 };
    const frame = welcomeTo(hello, { ...options, seqMin: undefined });
    strictEqual(frame.resume, resume);
    strictEqual(frame.from_seq, 10);
    strictEqual(frame.status_upto, 33);
    deepStrictEqual(frame.features, ["ack", "parts"]);
    strictEqual(welcomeTo(hello, { ...options, seqMin: 8 }).from_seq, 8);
  });
}

Deno.test("lenient() fills in what a first frame lacks, and touches no other", async () => {
  const [near, far] = memoryWires();
  const text = '{"status":"x"}';
  for (const frame of ['{"name":"a"}', '{"name":"a"}', text]) {
    await far.send(frame);
  }
  await far.close();
  const [first = "", ...rest] = await Array.fromAsync(lenient(near).frames);
  deepStrictEqual(JSON.parse(first), {
    id: "",
    name: "a",
    cluster_name: "",
    version: "",
    capabilities: [],
  });
  deepStrictEqual(rest, ['{"name":"a"}', text]);
});

for (
  const text of ["", "{", "[]", "7", '{"type":"heartbeat"}', '{"error":""}']
) {
  Deno.test(`lenient() leaves the first frame ${text} to the link`, async () => {
    const [near, far] = memoryWires();
    await far.send(text);
    await far.close();
    deepStrictEqual(await Array.fromAsync(lenient(near).frames), [text]);
  });
}
