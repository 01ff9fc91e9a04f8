/**
 * Submits an event over HTTP from TypeScript, safely: the id is made here, so
 * that a try whose answer was lost can be sent again, and follows it to its end.
 *
 *     deno run --allow-net examples/submit_http.ts [CONTROL_PLANE_URL] [AGENT]
 *
 * => completed: Namespace/ts-… created
 *
 * @module
 */
// deno-lint-ignore-file no-console -- an example prints what it does
import type { AcceptedBody, EventView, ProblemBody } from "@transporter/sdk";

const [base = "http://127.0.0.1:8080", agent = "demo"] = Deno.args;
const id = `ts-${crypto.randomUUID()}`;

async function submit(triesLeft: number): Promise<AcceptedBody> {
  let answer: Response;
  try {
    answer = await fetch(new URL("/v2/events", base), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        id,
        type: "k8s_resource",
        target_agent: agent,
        ttl: "10m",
        payload: {
          manifests: [{
            apiVersion: "v1",
            kind: "Namespace",
            metadata: { name: id },
          }],
        },
      }),
    });
  } catch (error) {
    // Nobody knows whether it arrived; with the same id it is safe to send it again.
    if (triesLeft === 0) throw error;
    return await submit(triesLeft - 1);
  }
  if (answer.status === 202) return await answer.json();
  const problem: ProblemBody = await answer.json();
  throw new Error(`${problem.code}: ${problem.message}`);
}

async function end(): Promise<EventView> {
  while (true) {
    const answer = await fetch(new URL(`/v2/events/${id}`, base));
    const event: EventView = await answer.json();
    if (event.finished_at !== undefined) return event;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const accepted = await submit(3);
console.log(
  `${accepted.event_id}: ${accepted.message} (durability: ${accepted.durability})`,
);
const event = await end();
const objects = event.result?.resource_status ?? [];
const list = objects.map(({ kind, name, status }) =>
  `${kind}/${name} ${status}`
).join(", ");
console.log(`${event.state}: ${list}`);
