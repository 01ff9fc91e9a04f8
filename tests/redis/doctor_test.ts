import { match } from "node:assert/strict";
import { Program } from "../program.ts";
import { CpProcess } from "../system.ts";
import { startRedis } from "./server.ts";

async function doctor(url: string): Promise<string> {
  await using program = Program.start(["doctor", "--cp-url", url]);
  await program.status();
  return program.output;
}

Deno.test("doctor.redis.volatile (F09): a Redis that forgets is told at the start, by doctor, and with each event", async () => {
  await using redis = await startRedis({ appendfsync: "off" });
  await using cp = await CpProcess.start({ flags: ["--store", redis.url] });
  match(cp.program.output, /"level":"warn","message":"Store may forget/);
  match(await doctor(cp.url), /Nothing says that[\s\S]*"appendonly yes"/);

  await redis.ask("CONFIG", "SET", "appendonly", "yes");
  await redis.ask("CONFIG", "SET", "appendfsync", "everysec");
  await cp.crash();
  await cp.restart();
  match(await doctor(cp.url), /within a second[\s\S]*"appendfsync always"/);

  await redis.ask("CONFIG", "SET", "appendfsync", "always");
  await cp.crash();
  await cp.restart();
  match(await doctor(cp.url), /Accepted events are on disk/);
});

Deno.test("doctor.redis.unknown: a Redis whose settings nobody may read is not said to be on disk, and why is told", async () => {
  const config = ["user cp on >pw ~* &* +@all -config|get"];
  await using redis = await startRedis({ appendfsync: "no", config });
  const store = `redis://cp:pw@127.0.0.1:${redis.port}`;
  await using cp = await CpProcess.start({ flags: ["--store", store] });
  match(
    cp.program.output,
    /"Store may forget[^\n]*no right to read appendfsync \(config\|get\)/,
  );
  match(await doctor(cp.url), /Nothing says that[\s\S]*\(config\|get\)/);
});
