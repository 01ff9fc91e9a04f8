import {
  type Clock,
  deadline,
  type Delivery,
  type DrainFrame,
  type Link,
  type Message,
  type RegistrationFrame,
  TransporterError,
  type WelcomeFrame,
} from "@transporter/sdk";

/** The control plane asks to come back later, before it has taken the registration. */
export class SentAway extends TransporterError {
  /** When. */
  readonly drain: DrainFrame;

  /** Made of what it said. */
  constructor(drain: DrainFrame) {
    super(
      "slow_down",
      `Cannot register now as the control plane asks to come back later: ${drain.reason}`,
    );
    this.drain = drain;
  }
}

/** How long the control plane may take for each of its two answers, in milliseconds. */
const ANSWER_MS_MAX = 10_000;

/**
 * Registers over a new link.
 *
 * @param link The link; closed when the control plane takes too long.
 * @param messages What the link receives; one is taken from a v1 control plane, two from a v2 one.
 * @param options What is registered, and where time comes from.
 * @returns The welcome; `undefined` from a v1 control plane.
 * @throws {TransporterError} `timeout`, {@linkcode SentAway}, `denied` when the control plane does not want this agent,
 * `bad_frame` when it answers something else, or why the link ended.
 */
export async function register(
  link: Link,
  messages: AsyncIterator<Delivery<Message>>,
  options: { readonly registration: RegistrationFrame; readonly clock: Clock },
): Promise<WelcomeFrame | undefined> {
  const { registration, clock } = options;
  await link.send(registration);
  const reply = await next(link, messages, clock);
  if (reply.type === "drain") throw new SentAway(reply);
  if (reply.type !== "reply") return unexpected(reply);
  if (reply.error !== undefined || reply.status !== "registered") {
    const said = reply.error ?? reply.message ?? reply.status ?? "";
    throw new TransporterError(
      "denied",
      `Cannot register as the control plane refuses: "${said}"`,
    );
  }
  if (reply.link !== "2") return undefined;
  const welcome = await next(link, messages, clock);
  return welcome.type === "welcome" ? welcome : unexpected(welcome);
}

async function next(
  link: Link,
  messages: AsyncIterator<Delivery<Message>>,
  clock: Clock,
): Promise<Message> {
  using limit = deadline(clock, ANSWER_MS_MAX, {
    reason: () =>
      new TransporterError(
        "timeout",
        "Cannot register as the control plane does not answer",
      ),
  });
  function giveUp() {
    link.close(limit.signal.reason);
  }
  limit.signal.addEventListener("abort", giveUp, { once: true });
  const { value, done } = await messages.next();
  if (done !== true) return value.value;
  limit.signal.throwIfAborted();
  throw await link.closed ??
    new TransporterError(
      "unavailable",
      "Cannot register as the control plane closed the link",
    );
}

function unexpected(message: Message): never {
  if (message.type === "error") throw TransporterError.fromBody(message);
  throw new TransporterError(
    "bad_frame",
    `Cannot register as the control plane answers with a "${message.type}" frame`,
  );
}
