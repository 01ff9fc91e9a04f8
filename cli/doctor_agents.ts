import {
  type AgentView,
  type EventView,
  formatDuration,
  isRecord,
} from "@transporter/sdk";
import type { Finding } from "./doctor_checks.ts";

/** Deadlines follow the control plane's clock; more than that is worth knowing, in milliseconds. */
export const SKEW_MS_WARNING = 2_000;

/** An agent whose clock is further off starts nothing, and a `created_at` further ahead is refused, in milliseconds. */
export const SKEW_MS_MAX = 5 * 60_000;

/** A few names, and that there are others. */
function named(ids: readonly string[]): string {
  const more = ids.length > 3 ? " and others" : "";
  return ids.slice(0, 3).map((id) => `"${id}"`).join(", ") + more;
}

/** Whether anybody is there to do the work. */
export function checkConnected(agents: readonly AgentView[]): Finding {
  const check = "agents";
  const away = agents.filter(({ connected }) => !connected);
  const count = agents.length - away.length;
  if (count === 0) {
    return {
      check,
      result: "failed",
      message: agents.length === 0
        ? "No agent is known"
        : `None of ${agents.length} agents is connected`,
      cure: 'start one with "transporter agent"',
    };
  }
  if (away.length === 0) {
    return { check, result: "ok", message: `${count} connected` };
  }
  return {
    check,
    result: "warning",
    message: `${count} connected, ${away.length} not: ${
      named(away.map(({ id }) => id))
    }`,
    cure: '"transporter describe agent" shows since when',
  };
}

/** Agents to which less is promised; nothing when there are none. */
export function* checkLinks(agents: readonly AgentView[]): Generator<Finding> {
  const old = agents.filter(({ connected, link_version: version }) =>
    connected && version === 1
  );
  if (old.length === 0) return;
  yield {
    check: "link",
    result: "warning",
    message: `Version 1 of the link is all that ${
      named(old.map(({ id }) => id))
    } can: what is under way may run twice when it breaks, and cannot be cancelled`,
    cure: "run an agent of this version there",
  };
}

/** Whether somebody forgot that agents are paused. */
export function checkPaused(agents: readonly AgentView[]): Finding {
  const paused = agents.filter(({ paused_at }) => paused_at !== undefined);
  return paused.length === 0
    ? { check: "paused", result: "ok", message: "No agent is paused" }
    : {
      check: "paused",
      result: "warning",
      message: `Nothing is released to ${named(paused.map(({ id }) => id))}`,
      cure: '"transporter resume agent" lets them go on',
    };
}

/** Whether agents can take events: what those say that are connected and of version 2. */
export function checkJournals(agents: readonly AgentView[]): Finding {
  const check = "journals";
  const full = agents.filter(({ figures }) => figures?.taking === false);
  const blind = agents.filter(({ figures }) =>
    (figures?.types_not_taken ?? []).length > 0
  );
  if (full.length === 0 && blind.length > 0) {
    const types = blind.flatMap(({ figures }) =>
      figures?.types_not_taken ?? []
    );
    return {
      check,
      result: "failed",
      message: `No new events of type ${
        named([...new Set(types)])
      } are taken by ${
        named(blind.map(({ id }) => id))
      }, as their cluster is not to be seen`,
      cure: "see that it can be reached from there",
    };
  }
  return full.length === 0
    ? { check, result: "ok", message: "Connected agents take events" }
    : {
      check,
      result: "failed",
      message: `No new events are taken by ${
        named(full.map(({ id }) => id))
      }, whose journal or disk is full`,
      cure:
        "make room on the disk of their data folder, or raise --journal-max",
    };
}

/** Whether agents believe their clocks. */
export function checkAgentClocks(agents: readonly AgentView[]): Finding {
  const check = "agent clocks";
  const offsets = agents.map(({ id, figures }) => ({
    id,
    ms: figures?.clock_offset_ms ?? 0,
  }));
  const off = offsets.filter(({ ms }) => Math.abs(ms) > SKEW_MS_WARNING);
  if (off.length === 0) {
    return {
      check,
      result: "ok",
      message: "Connected agents and the control plane show the same time",
    };
  }
  const stopped = off.filter(({ ms }) => Math.abs(ms) > SKEW_MS_MAX);
  const [first, ...rest] = stopped.length > 0 ? stopped : off;
  const { id = "", ms = 0 } = first ?? {};
  const shown = formatDuration(Math.abs(ms) * 1e6);
  const others = rest.length === 0 ? "" : `, and ${rest.length} more are off`;
  return {
    check,
    result: stopped.length > 0 ? "failed" : "warning",
    message: `The clock of "${id}" is ${shown} ${
      ms > 0 ? "behind" : "ahead of"
    } the control plane's${others}`,
    cure: stopped.length > 0
      ? "set them by NTP; such an agent starts nothing"
      : "set them by NTP",
  };
}

/** Whether events ended because their agents died under them. */
export function checkQuarantine(failed: readonly EventView[]): Finding {
  const check = "quarantine";
  const kept = failed.filter(({ error }) =>
    isRecord(error) && error.code === "quarantined"
  );
  return kept.length === 0
    ? {
      check,
      result: "ok",
      message: "No event of the last day was kept away from its agent",
    }
    : {
      check,
      result: "warning",
      message: `Agents died under events of the last day: ${
        named(kept.map(({ spec }) => spec.id))
      }`,
      cure: '"transporter describe event" and the log of the agent show why',
    };
}
