import { TransporterError } from "../mod.ts";
import { testIngest } from "../testing/mod.ts";
import { MemoryBroker } from "./memory_ingest.ts";

// deno-lint-ignore require-await -- the suite takes brokers that have to be started
testIngest("memory ingest", async () => {
  const broker = new MemoryBroker();
  const lost = new TransporterError("unavailable", "Broken");
  return {
    publisher: () => Promise.resolve(broker.publisher()),
    consumer: () => Promise.resolve(broker.consumer()),
    quarantined: () => Promise.resolve(broker.quarantine),
    crash: () => Promise.resolve(broker.break(lost)),
    recover: () => Promise.resolve(broker.break(undefined)),
    dispose: () => Promise.resolve(),
  };
});
