import type { EventStatus, OutputStream } from "@transporter/sdk";

/** A plugin that a person names. */
export interface PluginRequest {
  /** Path, URL, `npm:` or `jsr:`, pinned or not. */
  readonly spec: string;
  /** Whether it is loaded into this process. */
  readonly inProcess: boolean;
  /** Its config. */
  readonly config: unknown;
  /** What it may touch, as the `allow` of a configuration file. */
  readonly allow: Readonly<Record<string, true | readonly string[]>>;
  /** Where the secrets are that it may ask for, as the `secrets` of a configuration file. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** A plugin as `plugin list` shows it. */
export interface PluginView {
  /** As it was named, without its pin; `built in` for what ships. */
  readonly plugin: string;
  /** The type of event that it serves. */
  readonly type: string;
  /** Its version. */
  readonly version: string;
  /** Where it runs. */
  readonly runs: "built in" | "isolated" | "in process";
  /** Files and packages that it loads. */
  readonly modules?: number;
  /** The hash over them, which pins it. */
  readonly integrity?: string;
}

/** What somebody hears while an event runs without a control plane. */
export interface RunObserver {
  /** A phase began, or something happened in it. */
  status(status: EventStatus): void;
  /** The plugin wrote something. */
  output(stream: OutputStream, text: string): void;
}

/** Something that every executor must do, and whether this one does. */
export interface CheckResult {
  /** What it must do. */
  readonly title: string;
  /** What it did instead; absent when all is well. */
  readonly error?: string;
}

/** What the commands for plugins do, which is the program's: they run code that is no part of it. */
export interface PluginDesk {
  /** Makes a folder with a plugin to begin with; resolves with the paths of its files. */
  create(name: string): Promise<readonly string[]>;
  /**
   * Looks at plugins.
   *
   * @param request `specs`: those that are named; `file`: an agent's configuration, parsed.
   */
  list(
    request: { readonly specs: readonly string[]; readonly file: unknown },
  ): Promise<readonly PluginView[]>;
  /** Runs one event, and resolves with its last status. */
  run(
    request: PluginRequest,
    event: Readonly<Record<string, unknown>>,
    observer: RunObserver,
  ): Promise<EventStatus>;
  /**
   * Tries what every executor must do, one thing after the other. Nothing is
   * tried any more once one took longer than `timeoutMs` milliseconds.
   */
  check(
    request: PluginRequest,
    options: {
      readonly good: Readonly<Record<string, unknown>>;
      readonly bad: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
      readonly timeoutMs: number;
    },
  ): AsyncIterable<CheckResult>;
}
