import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  inventoryDigest,
  type LinkResume,
  type RegistrationFrame,
  type Wire,
} from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import {
  type Agreement,
  faultOf,
  lenient,
  replyTo,
  resumptionOf,
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
  resume?: LinkResume,
  features: readonly string[] = ["parts", "teleport", "ack"],
): RegistrationFrame {
  return {
    ...PLAIN,
    link: {
      versions,
      features,
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

/** What both have open, and what only the agent has. */
const OPEN = [{ event_id: "a", attempt: 2 }];
const OTHER = [{ event_id: "a", attempt: 3 }];

interface Case {
  readonly epoch?: string;
  readonly recv?: number;
  readonly seen?: number;
  readonly theirs?: typeof OPEN;
  readonly unbroken?: boolean;
  readonly features?: readonly string[];
  readonly expected: readonly ["resumed" | "fresh" | "reconcile", number];
}

const RESUMES: Readonly<Record<string, Case>> = {
  "remembers the same": { expected: ["resumed", 9] },
  "remembers nothing yet": { recv: 0, expected: ["resumed", 0] },
  "has more than was released": { recv: 10, expected: ["reconcile", 0] },
  "has some of the stream to get again": {
    seen: 9,
    recv: 3,
    expected: ["resumed", 3],
  },
  "has had more than was released, and some of it to get again": {
    seen: 10,
    recv: 3,
    unbroken: true,
    expected: ["reconcile", 0],
  },
  "has another stream": { epoch: "e_0", expected: ["reconcile", 0] },
  "has other attempts open after a restart": {
    theirs: OTHER,
    expected: ["reconcile", 0],
  },
  "has other attempts open after a cut": {
    theirs: OTHER,
    unbroken: true,
    expected: ["resumed", 0],
  },
  "has more than was released, in an unbroken run": {
    recv: 10,
    unbroken: true,
    expected: ["reconcile", 0],
  },
  "cannot tell, and has another stream": {
    epoch: "e_0",
    features: [],
    expected: ["fresh", 0],
  },
  "cannot tell, and has the stream": {
    theirs: OTHER,
    features: [],
    expected: ["resumed", 0],
  },
};

for (const [name, one] of Object.entries(RESUMES)) {
  Deno.test(`resumptionOf() an agent that ${name}`, () => {
    const { epoch = "e_1", recv = 9, theirs = OPEN } = one;
    const { unbroken = false, features = ["resume"] } = one;
    const inventory = inventoryDigest(theirs);
    const { seen } = one;
    const known = seen === undefined ? {} : { seen };
    const offer = { epoch, recv, ...known, inventory };
    const hello = agreement(offering([2], offer, features), 2);
    const { resume, recv: upto } = resumptionOf(hello, {
      attempts: OPEN,
      unbroken,
    });
    deepStrictEqual([resume, upto], one.expected);
  });
}

Deno.test("resumptionOf() an agent without a memory is fresh", () => {
  const hello = agreement(offering([2]), 2);
  const known = { attempts: OPEN, unbroken: true };
  deepStrictEqual(resumptionOf(hello, known), { resume: "fresh", recv: 0 });
});

Deno.test("welcomeTo() says where the stream stands", () => {
  const hello = agreement(offering([2]), 2);
  const times = { heartbeatMs: 10_000, idleMs: 45_000, now: 0 };
  const options = { ...times, resume: "resumed", epoch: "e_1" } as const;
  const frame = welcomeTo(hello, {
    ...options,
    nextSeq: 10,
    seqMin: undefined,
  });
  deepStrictEqual(
    [frame.resume, frame.epoch, frame.from_seq, frame.next_seq],
    ["resumed", "e_1", 10, 10],
  );
  strictEqual(frame.status_upto, 33);
  deepStrictEqual(frame.features, ["ack", "parts"]);
  const again = welcomeTo(hello, { ...options, nextSeq: 10, seqMin: 8 });
  strictEqual(again.from_seq, 8);
  const anew = welcomeTo(hello, { ...options, seqMin: undefined });
  deepStrictEqual([anew.from_seq, anew.next_seq], [1, undefined]);
});

/** Reads the first frame of a wire, and returns all of them as lenient() has them. */
async function read(wire: Wire): Promise<AsyncIterable<string>> {
  const frames = wire.frames[Symbol.asyncIterator]();
  const first = await frames.next();
  return lenient(wire, String(first.value), frames).frames;
}

Deno.test("lenient() fills in what a first frame lacks, and touches no other", async () => {
  const [near, far] = memoryWires();
  const text = '{"status":"x"}';
  for (const frame of ['{"name":"a"}', '{"name":"a"}', text]) {
    await far.send(frame);
  }
  await far.close();
  const [first = "", ...rest] = await Array.fromAsync(await read(near));
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
    deepStrictEqual(await Array.fromAsync(await read(near)), [text]);
  });
}
