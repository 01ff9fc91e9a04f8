import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import { type Down, REPORTS_AHEAD, type Up } from "./protocol.ts";
import type { PluginSecrets } from "./secrets.ts";

/** What {@linkcode Asked} needs. */
export interface AskedOptions {
  /** What the plugin is lent. */
  readonly secrets: PluginSecrets | undefined;
  /** Answers. */
  readonly send: (message: Down) => void;
  /** It asks without waiting for answers; takes what is said of it. */
  readonly flooded: (how: string) => void;
}

/** What a plugin may ask before it has an answer; one that awaits each asks one thing. */
const WAITING_MAX = 256;

/** What a plugin has others do: reports that are recorded one after the other, and secrets. */
export class Asked {
  readonly #options: AskedOptions;
  readonly #waiting = { reports: 0, secrets: 0 };
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly reason: unknown } | undefined;

  /** Makes one that was asked nothing. */
  constructor(options: AskedOptions) {
    this.#options = options;
  }

  /** It reports something about the event that it runs; `undefined`: it runs none, and nobody hears it. */
  report(
    { n, message, details }: Extract<Up, { t: "report" }>,
    context: ExecutorContext | undefined,
  ): void {
    this.#inTurn("reports", async () => {
      try {
        await context?.report(message, details);
      } catch (reason) {
        this.#failure ??= { reason };
      }
      return n % (REPORTS_AHEAD / 2) === 0 ? { t: "reported", n } : undefined;
    });
  }

  /** What it says besides comes behind the reports that it said before. */
  inOrder(say: () => void): void {
    if (this.#waiting.reports === 0) say();
    else this.#last = this.#last.then(say);
  }

  /**
   * Resolves when all that was asked is done: a phase does not end before its reports are recorded.
   *
   * @throws What the first of them failed with.
   */
  async done(): Promise<void> {
    await this.#last;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.reason;
  }

  /** It asks for a secret. */
  secret({ n, name }: Extract<Up, { t: "secret" }>): void {
    this.#inTurn("secrets", async () => {
      try {
        const { secrets } = this.#options;
        if (secrets === undefined) {
          throw new TransporterError("denied", "It is lent nothing");
        }
        return { t: "secret", n, value: await secrets.get(name) };
      } catch (reason) {
        return { t: "secret", n, error: bodyOf(reason) };
      }
    });
  }

  #inTurn(
    what: "reports" | "secrets",
    answer: () => Promise<Down | undefined>,
  ): void {
    const { send, flooded } = this.#options;
    const waiting = this.#waiting;
    if (++waiting[what] > WAITING_MAX) {
      return flooded(`does not wait for its ${what}`);
    }
    this.#last = this.#last.then(async () => {
      const message = await answer();
      if (message !== undefined) send(message);
      waiting[what]--;
    });
  }
}

function bodyOf(reason: unknown) {
  const { code, message } = TransporterError.from(reason);
  return { code, message };
}
