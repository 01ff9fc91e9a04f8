import { rejects, strictEqual } from "node:assert/strict";
import { dialHttp } from "./http.ts";
import { baseOf } from "./http_request.ts";

Deno.test("baseOf() keeps the path of a reverse proxy, and takes the place of the WebSocket", () => {
  const bases = {
    "https://cp.example.org": "https://cp.example.org/",
    "https://cp.example.org/ws": "https://cp.example.org/",
    "https://cp.example.org/v2/link/": "https://cp.example.org/",
    "https://cp.example.org/team/cp": "https://cp.example.org/team/cp/",
    "http+sse://cp.example.org/team/ws?a=b": "http://cp.example.org/team/",
    "https://cp.example.org/news": "https://cp.example.org/news/",
  };
  for (const [url, base] of Object.entries(bases)) {
    strictEqual(baseOf(new URL(url)).href, base, url);
  }
});

Deno.test("dialHttp() says why a request failed, and not only that it did", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`http://127.0.0.1:${listener.addr.port}`);
  listener.close();
  await rejects(
    async () => {
      const wire = await dialHttp(url, {
        signal: new AbortController().signal,
        frameBytesMax: 1000,
      });
      await wire.send("{}");
      await Array.fromAsync(wire.frames);
    },
    { code: "unavailable", message: /refused/i },
  );
});
