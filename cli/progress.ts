import {
  type HistoryEntry,
  isDone,
  isTerminal,
  parseTime,
} from "@transporter/sdk";
import type { Invocation } from "./invocation.ts";
import { liveFrame, type LiveList, placeOf } from "./live_frame.ts";
import { LiveRegion } from "./live_region.ts";
import type { ObjectRow } from "./objects.ts";
import { styleOf } from "./paint.ts";
import { cut, pad, safe } from "./text.ts";

/** Room for any phase, so that messages stand below each other. */
const WORD_COLUMNS = "interrupted".length + 2;

/** Room for most times. */
const TIME_COLUMNS = "+00.000s".length;

/** What a terminal has that does not say. */
const TERMINAL = { columns: 80, rows: 24 } as const;

/** Between two looks at the clock, in milliseconds: ages are told in seconds. */
const TICK_MS = 1_000;

/** What is known of an event that somebody waits for. */
interface Followed {
  /** When the first step was that was told of, in milliseconds since 1970. */
  readonly startedAt: number;
  /** What was said last. */
  said: string;
  /** A step that is told if nothing is told of objects instead. */
  held?: HistoryEntry | undefined;
  /** When the last step was. */
  at: number;
  /** What was told of each object. */
  readonly told: Map<string, string>;
  /** Where its objects are. */
  list?: LiveList | undefined;
}

function timeOf({ timestamp }: HistoryEntry): number {
  return parseTime(timestamp) ?? NaN;
}

function keyOf({ apiVersion, kind, namespace, name }: ObjectRow): string {
  return JSON.stringify([apiVersion, kind, namespace, name]);
}

/**
 * Shows what happens to events while somebody waits: lines that change on a
 * terminal, with one for each object, and a line for each step and for each
 * change of an object elsewhere. All of it goes to standard error.
 */
export class Progress {
  readonly #invocation: Invocation;
  readonly #total: number;
  readonly #owner: "AGENT" | "EVENT";
  readonly #isLive: boolean;
  readonly #region: LiveRegion;
  readonly #events = new Map<string, Followed>();
  readonly #stop = new AbortController();
  #ticking = false;
  #over = 0;
  #head: readonly [before: string, word: string, after: string] | undefined;

  /** For a number of events, and what tells them apart. */
  constructor(
    invocation: Invocation,
    total: number,
    owner: "AGENT" | "EVENT",
  ) {
    const { host: { stderr, env }, quiet } = invocation;
    this.#invocation = invocation;
    this.#total = total;
    this.#owner = owner;
    this.#isLive = stderr.isTerminal && env["TERM"] !== "dumb" && !quiet;
    this.#region = new LiveRegion(stderr);
  }

  #follow(entry: HistoryEntry, name: string): Followed {
    const at = timeOf(entry);
    const known = this.#events.get(name) ??
      { startedAt: at, said: "", at, told: new Map() };
    this.#events.set(name, known);
    known.at = at;
    return known;
  }

  /** Something happened to an event; `name` tells it from the others. */
  step(entry: HistoryEntry, name: string): void {
    const event = this.#follow(entry, name);
    this.#tellHeld(event, name);
    if (isTerminal(entry.state)) event.list = undefined;
    if (!this.#isLive) {
      event.held = entry;
      // Where objects are is asked for next, and says more.
      if (entry.details?.["progress"] === undefined) {
        this.#tellHeld(event, name);
      }
      return;
    }
    const word = safe(entry.phase ?? entry.state);
    const many = this.#total > 1
      ? `${this.#over} of ${this.#total} over  ${safe(name)}  `
      : "";
    const message = pad("", WORD_COLUMNS - word.length) + safe(entry.message);
    this.#head = [`  ${many}`, word, message];
    this.#draw();
  }

  /** Where the objects of an event are. */
  objects(name: string, list: LiveList): void {
    const event = this.#events.get(name);
    if (event === undefined) return;
    if (this.#isLive) {
      event.list = list;
      this.#draw();
      this.#tick();
      return;
    }
    let any = false;
    for (const row of list.rows) {
      const key = keyOf(row);
      const news = `${row.status} ${row.message}`;
      // What is only begun, or waited for, without a reason yet is no news.
      const isNews = row.message !== "" ||
        !/^(pending|.*ing)$/.test(row.status);
      // At the end each is told of once more, with a sentence that says the same.
      const wasTold = isDone(row.status) &&
        event.told.get(key)?.startsWith(`${row.status} `) === true;
      if (!isNews || wasTold || event.told.get(key) === news) continue;
      event.told.set(key, news);
      any = true;
      const what = `${safe(row.kind)} ${placeOf(row)}`;
      const why = row.message === "" ? "" : `: ${safe(row.message)}`;
      this.#line(event, name, safe(row.status), what + why);
    }
    if (any) event.held = undefined;
    else this.#tellHeld(event, name);
  }

  /** An event needs to be waited for no more. */
  done(): void {
    this.#over++;
  }

  /** A line that stays. */
  note(line: string): void {
    this.#region.clear();
    this.#invocation.note(line);
    this.#draw();
  }

  /** Takes the lines that change away, so that something else can be written. */
  clear(): void {
    if (this.#isLive) this.#region.clear();
    this.#head = undefined;
    for (const event of this.#events.values()) event.list = undefined;
    this.#stop.abort();
  }

  /** Lets the lines that change stay as they are, as their events go on. */
  leave(): void {
    if (this.#isLive) this.#region.leave();
    this.clear();
  }

  #tellHeld(event: Followed, name: string): void {
    const { held } = event;
    event.held = undefined;
    if (held === undefined) return;
    const word = safe(held.phase ?? held.state);
    const said = `${word} ${held.message}`;
    if (said === event.said) return;
    event.said = said;
    this.#line(event, name, word, safe(held.message));
  }

  /** A step, or what became of an object, and how long after the first step. */
  #line(event: Followed, name: string, word: string, text: string): void {
    const after = (event.at - event.startedAt) / 1000;
    const time = Number.isFinite(after) ? `+${after.toFixed(3)}s` : "";
    const who = this.#total > 1 ? `${safe(name)}  ` : "";
    this.#invocation.note(
      `  ${pad(time, TIME_COLUMNS)}  ${who}${pad(word, WORD_COLUMNS)}${text}`
        .trimEnd(),
    );
  }

  #draw(): void {
    if (!this.#isLive) return;
    const { host, paintError } = this.#invocation;
    // The last column is left, as a terminal may wrap after it.
    const columns = (host.stderr.columns ?? TERMINAL.columns) - 1;
    const rows = host.stderr.rows ?? TERMINAL.rows;
    const lists = [...this.#events.values()].flatMap(({ list }) => list ?? []);
    const table = liveFrame(lists, {
      columns,
      lines: rows - 2,
      owner: this.#total > 1 ? this.#owner : undefined,
      now: host.clock.now(),
      paint: paintError,
    });
    this.#region.draw([...this.#headLine(columns), ...table]);
  }

  #headLine(columns: number): string[] {
    if (this.#head === undefined) return [];
    const [before, word, after] = this.#head;
    const line = cut(before + word + after, columns);
    // Colour comes after the cut, which counts columns.
    if (!line.startsWith(before + word)) return [line];
    const rest = line.slice(before.length + word.length);
    return [before + paintedWord(this.#invocation, word) + rest];
  }

  /** Draws again while time goes on, as ages grow. */
  async #tick(): Promise<void> {
    if (this.#ticking) return;
    this.#ticking = true;
    const { clock } = this.#invocation.host;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, { signal }).catch(() => {});
      if (!signal.aborted) this.#draw();
    }
  }
}

function paintedWord({ paintError }: Invocation, word: string): string {
  return paintError(word, styleOf(word));
}
