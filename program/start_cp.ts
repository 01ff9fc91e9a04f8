import { checkBrokers, checkSecrets, consumers, sinks } from "./brokers.ts";
import { aborted, logTo, type Runtime } from "./runtime.ts";
import { type Given, readSettings, stateDir } from "./settings.ts";

/**
 * Runs a control plane until it is asked to end.
 *
 * @param given What a person said.
 * @param runtime The process it runs in.
 * @returns The exit code.
 */
export async function startCp(given: Given, runtime: Runtime): Promise<number> {
  const { config, ControlPlane, isOutsideDataDir } = await import(
    "@transporter/cp"
  );
  const { kinds } = await import("@transporter/plugins");
  const values = readSettings(config, given, runtime);
  const log = logTo(runtime, values.logLevel);
  const { ingest, results, agentBroker } = values;
  checkBrokers([...ingest, ...results, ...agentBroker], runtime.env);
  await checkSecrets(results, values.resultsSecretFile);
  const dataDir = values.dataDir ??
    (isOutsideDataDir(values.store) ? undefined : stateDir(runtime.env, "cp"));
  await using _controlPlane = await ControlPlane.open({
    config: { ...values, dataDir },
    brokers: consumers,
    sinks: sinks(values.resultsSecretFile),
    kinds,
    log,
  });
  await aborted(runtime.signal);
  return 0;
}
