/** The rights of docs/nats.md for `--ingest` and `--results`: they suffice, and each is needed. */
import { ok, strictEqual } from "node:assert/strict";
import { ROOT } from "../files.ts";
import { filesIn } from "../page.ts";
import { Program } from "../program.ts";
import { until } from "../until.ts";
import { EVENTS, IngestPlace, QUARANTINE } from "./ingest_place.ts";

const RESULTS = "TP_default_RESULTS";

/** The rights that the page shows. */
async function documented(): Promise<string> {
  const page = await Deno.readTextFile(`${ROOT}docs/nats.md`);
  const text = filesIn(page).get("ingest.conf") ?? "";
  ok(text.startsWith("authorization {"), "the page has another shape");
  return text;
}

/** A server with rights, a control plane, and a producer. */
class RightsPlace implements AsyncDisposable {
  readonly #place: IngestPlace;
  readonly #working: Promise<void>;
  #done = false;
  #producer: Program | undefined;

  private constructor(place: IngestPlace) {
    this.#place = place;
    this.#working = this.#work().catch(() => {}); // what is forbidden is why
  }

  static async open(rights: string): Promise<RightsPlace> {
    // Whoever does not say who it is, is the test, which looks into streams.
    const config = rights.replace("users: [", 'users: [ { user: "test" }\n') +
      'no_auth_user: "test"\n';
    return new RightsPlace(await IngestPlace.open({ config }));
  }

  /** Has the control plane take an event and refuse a message, and tell how the event ended. */
  async #work(): Promise<void> {
    const place = this.#place;
    const { url } = place.server;
    const cp = url.replace("//", "//control-plane:change-me@");
    await place.start({ ingest: cp, args: ["--results", cp] });
    const producer = url.replace("//", "//producer:change-me-too@");
    const file = `${ROOT}examples/event.yaml`;
    const flags = ["--mode", "nats", "--cp-url", producer];
    this.#producer = Program.start(["send", "event", "-f", file, ...flags]);
    const { code } = await this.#producer.status();
    ok(code === 0, this.#producer.output);
    await place.publish(["nonsense"]);
    const event = await until(async () => (await place.events())[0]);
    const { id } = event["spec"] as { readonly id: string };
    const path = `${place.url}/v2/events/${id}/cancel`;
    await (await fetch(path, { method: "POST" })).body?.cancel();
    await until(async () =>
      await place.count(EVENTS) === 0 &&
      await place.count(QUARANTINE) === 1 && await place.count(RESULTS) === 1
    );
    this.#done = true;
  }

  /** What they say that they may not do; "nothing" when all of it is done. */
  async forbidden(): Promise<string> {
    return await until(() => {
      const said = this.#place.output + (this.#producer?.output ?? "");
      const found = /may not (?:publish|subscribe) to \\?"([^"\\]+)/.exec(said);
      return found?.[1] ?? (this.#done ? "nothing" : undefined);
    }, { waitMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place[Symbol.asyncDispose]();
    await this.#working;
  }
}

Deno.test("with the rights of docs/nats.md events come in over NATS, and results go out", async () => {
  await using place = await RightsPlace.open(await documented());
  strictEqual(await place.forbidden(), "nothing");
});

Deno.test("of the rights of docs/nats.md for events and results each is needed, and is named where it is missing", async () => {
  const text = await documented();
  const rights = [...text.matchAll(/"(?:\$JS|tp|_INBOX)\.[^"]+"/g)];
  ok(rights.length > 10, "the page has another shape");
  for (const { 0: right, index } of rights) {
    const rest = text.slice(0, index) + '"none"' +
      text.slice(index + right.length);
    await using place = await RightsPlace.open(rest);
    const subject = await place.forbidden();
    const wanted = right.slice(1, -1).replace(/>$/, "");
    ok(subject.startsWith(wanted), `without ${right}: ${subject}`);
  }
});
