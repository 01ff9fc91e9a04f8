import { testWire } from "../testing/mod.ts";
import { memoryWires } from "./memory.ts";

testWire("memory", { open: () => Promise.resolve(memoryWires()) });
