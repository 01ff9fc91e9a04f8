import { makePki } from "../deploy/localkube/pki.ts";

/** Ends TLS before a server, as an ingress does. */
export class Ingress implements AsyncDisposable {
  readonly #listener: Deno.TlsListener;
  readonly #serving: Promise<void>;
  /** The file of the certificate that clients have to trust. */
  readonly caFile: string;
  /** Where clients reach it. */
  readonly url: string;

  /** Opens one before what listens at a URL of this machine. */
  static async open(target: string): Promise<Ingress> {
    const { ca, server } = await makePki();
    const caFile = await Deno.makeTempFile({ suffix: ".pem" });
    await Deno.writeTextFile(caFile, ca.certPem);
    const listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: server.certPem,
      key: server.keyPem,
    });
    return new Ingress(listener, {
      caFile,
      port: Number(new URL(target).port),
    });
  }

  /** Made by {@linkcode Ingress.open}. */
  constructor(
    listener: Deno.TlsListener,
    { caFile, port }: { readonly caFile: string; readonly port: number },
  ) {
    this.#listener = listener;
    this.caFile = caFile;
    this.url = `https://localhost:${listener.addr.port}`;
    this.#serving = this.#serve(port);
  }

  async #serve(port: number): Promise<void> {
    const open = new Set<Promise<unknown>>();
    for await (const near of this.#listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      const both = Promise.allSettled([
        near.readable.pipeTo(far.writable),
        far.readable.pipeTo(near.writable),
      ]);
      open.add(both);
      both.then(() => open.delete(both));
    }
    await Promise.all(open);
  }

  /** Ends it, when its clients have left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    await Deno.remove(this.caFile);
  }
}

/** Variables of an agent that has nothing but these proxies. */
export function envOf(
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
  const none = names.flatMap((name) => [[name, ""], [name.toLowerCase(), ""]]);
  const own = { DENO_NO_UPDATE_CHECK: "1" }; // which would be asked for, too
  return { ...Object.fromEntries(none), ...own, ...env };
}
