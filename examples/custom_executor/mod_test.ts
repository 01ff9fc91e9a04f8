import { testExecutor } from "@transporter/sdk/testing";
import { silentLogger } from "@transporter/sdk";
import plugin from "./mod.ts";

testExecutor("greet", {
  open: () =>
    plugin.open({}, {
      signal: new AbortController().signal,
      log: silentLogger,
    }),
  kind: plugin.kind,
  payload: () => ({ name: "Ada" }),
  badPayloads: {
    "an unknown key": { name: "Ada", loud: true },
    "no name": {},
  },
});
