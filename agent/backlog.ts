import type { BacklogFrame, Link } from "@transporter/sdk";

/** What the control plane says of what waits for this agent: one question and its answer at a time. */
export class Backlog {
  #link: Link | undefined;
  #question: "none" | "asked" | "void" = "none";
  #answer: BacklogFrame | undefined;
  /** Since when there is a session, by the clock's `monotonic`; `undefined` while there is none. */
  since: number | undefined;
  /** Whether the control plane of the session answers. */
  answers = false;

  /** A session begins. */
  attach(
    link: Link,
    { at, answers }: { readonly at: number; readonly answers: boolean },
  ): void {
    this.#link = link;
    this.since = at;
    this.answers = answers;
    this.#question = "none";
    this.#answer = undefined;
  }

  /** The session is over, and so is what was asked. */
  detach(link: Link): void {
    if (this.#link !== link) return;
    this.#link = this.since = this.#answer = undefined;
    this.#question = "none";
  }

  /** Something came, or is going on: what was asked before does not count. */
  forget(): void {
    this.#answer = undefined;
    if (this.#question === "asked") this.#question = "void";
  }

  /** The control plane answers. */
  answered(frame: BacklogFrame): void {
    if (this.#question === "asked") this.#answer = frame;
    this.#question = "none";
  }

  /** The answer to a question since when nothing came, once; asks if there is none. */
  take(): BacklogFrame | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer !== undefined) return answer;
    if (this.#question !== "none" || this.#link === undefined) return undefined;
    this.#question = "asked";
    // A link that breaks detaches.
    this.#link.send({ type: "backlog_request" }).catch(() => {});
    return undefined;
  }
}
