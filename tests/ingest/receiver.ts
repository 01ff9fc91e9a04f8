/** A web server that is told results, for tests: it fails, hangs and dies as a test wants it. */
import { Webhook } from "standardwebhooks";

/** What it does with a request. */
export type Mood = "takes" | "fails" | "hangs";

/** A result as it came. */
export interface Told {
  readonly id: string;
  readonly subject: string;
  readonly type: string;
  readonly sequence: string;
}

/** The secret of all tests. */
export const SECRET = `whsec_${btoa("a secret that nobody else will know")}`;

/** The receiver: what it answered with 2xx counts as told. */
export class Receiver implements AsyncDisposable {
  /** What it took, in order, repeated ones too. */
  readonly told: Told[] = [];
  /** How many requests came. */
  requests = 0;
  mood: Mood = "takes";
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  #port = 0;
  readonly #hanging = new Set<() => void>();

  constructor() {
    this.listen();
  }

  /** Listens, on the port of before. */
  listen(): void {
    this.#server = Deno.serve(
      { port: this.#port, hostname: "127.0.0.1", onListen: () => {} },
      (request) => this.#serve(request),
    );
    this.#port = this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  async #serve(request: Request): Promise<Response> {
    this.requests++;
    const headers = Object.fromEntries(request.headers);
    const event = new Webhook(SECRET).verify(await request.text(), headers);
    if (this.mood === "hangs") {
      await new Promise<void>((resolve) => this.#hanging.add(resolve));
      return new Response(null, { status: 500 });
    }
    if (this.mood === "fails") return new Response("no", { status: 500 });
    this.told.push(event as Told);
    return new Response(null, { status: 204 });
  }

  /** What was told, each once, in the order of the first time. */
  get subjects(): string[] {
    return [...new Set(this.told.map(({ subject }) => subject))];
  }

  /** Goes away. */
  async die(): Promise<void> {
    for (const end of this.#hanging) end();
    this.#hanging.clear();
    await this.#server?.shutdown();
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
  }
}
