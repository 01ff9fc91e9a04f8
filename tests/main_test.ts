import { ControlPlane } from "@transporter/cp";
import { ok, strictEqual } from "node:assert/strict";
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

for (const command of ["cp", "agent", "demo", "migrate"]) {
  Deno.test(`transporter ${command} --help fits a terminal of 80 columns`, async () => {
    await using program = Program.start([command, "--help"], {});
    const { code } = await program.status();
    strictEqual(code, 0);
    const [options = ""] = program.output.split("Examples:");
    for (const line of options.split("\n")) {
      const fits = line.length <= 80;
      // A word alone is not broken.
      ok(fits || !line.trim().includes(" "), line);
    }
  });
}
