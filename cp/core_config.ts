import type { ControlPlaneConfig } from "./config.ts";
import type { CoreConfig } from "./core.ts";

/** The figures of the core that settings say. */
export function coreConfigOf(
  settings: ControlPlaneConfig,
): Partial<CoreConfig> {
  return {
    heartbeatMs: settings.heartbeatInterval,
    idleMs: settings.idleTimeout,
    retentionMs: settings.retention,
    eventsMax: settings.eventsMax,
    agentEventsMax: settings.agentQueueMax,
    tenantEventsMax: settings.queueMax,
    tenantBytesMax: settings.queueBytesMax * 1024 * 1024,
    waitingEventsMax: settings.waitingMax,
    waitingMsMax: settings.waitingTime,
  };
}
