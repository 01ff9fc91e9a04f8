import { ControlPlane } from "@transporter/cp";
import { match, ok, strictEqual } from "node:assert/strict";
import { ROOT } from "./files.ts";
import { filesIn } from "./page.ts";
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

Deno.test("README.md: config.yaml says which control plane commands ask", async () => {
  const page = await Deno.readTextFile(`${ROOT}README.md`);
  const nowhere = "http://127.0.0.1:9";
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/transporter`);
    await Deno.writeTextFile(
      `${dir}/transporter/config.yaml`,
      filesIn(page).get("config.yaml")!
        .replace("https://cp.example.com", nowhere), // this machine only
    );
    for (
      const [flags, url] of [
        [[], "http://127.0.0.1:8081"],
        [["--context", "there"], nowhere],
      ] as const
    ) {
      await using program = Program.start(["doctor", ...flags], {
        env: { XDG_CONFIG_HOME: dir, TP_URL: "" },
      });
      await program.status();
      match(
        program.output,
        RegExp(`ok +configuration +The control plane is at ${url}, by`),
      );
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
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
