import { ControlPlane } from "@transporter/cp";
import { strictEqual } from "node:assert/strict";
import { Program } from "./program.ts";

Deno.test("main.ts reaches this machine without the proxy of the environment", async () => {
  await using controlPlane = await ControlPlane.open({
    config: { listen: "127.0.0.1:0", store: "memory:", dev: true },
    kinds: [],
  });
  const nobody = "http://127.0.0.1:9";
  await using program = Program.start(
    ["get", "agents", "--cp-url", controlPlane.url],
    { env: { HTTP_PROXY: nobody, HTTPS_PROXY: nobody, NO_PROXY: "" } },
  );
  const { code } = await program.status();
  strictEqual(code, 0, program.output);
});
