import { parse } from "@transporter/sdk";
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { configSchema } from "./config.ts";
import { type Confinement, findConfinement } from "./confinement.ts";

const config = await parse(configSchema, { dir: "/tmp/none" });

Deno.test("findConfinement() takes the first way that works, and without root only bwrap", async () => {
  const asked: string[] = [];
  const found = await findConfinement(config, true, ({ name }: Confinement) => {
    asked.push(name);
    return Promise.resolve(name === "bwrap" ? "no user namespaces" : undefined);
  });
  strictEqual(found.name, "namespaces");
  deepStrictEqual(asked, ["bwrap", "namespaces"]);
});

Deno.test("findConfinement() says what is missing, and what to do", async () => {
  const missing = () =>
    Promise.resolve("env: 'bwrap': No such file or directory");
  await rejects(findConfinement(config, false, missing), {
    code: "unavailable",
    message:
      `Cannot run scripts on this machine as nothing can confine them, with all their children: "bwrap" says "env: 'bwrap': No such file or directory", and only root can do without it; install bubblewrap, or do not enable scripts`,
  });
});
