import type { Payload } from "./payload.ts";

/** What a field of the payload is for, for whoever lists them. */
export interface FieldAbout {
  /** What it does. */
  readonly about: string;
  /** What holds without it. */
  readonly otherwise: string;
}

/** Every field of the payload, besides those that are there empty for upstream's sake. */
export const FIELDS: Readonly<
  Record<Exclude<keyof Payload, "manifests" | "policy_rules">, FieldAbout>
> = {
  script: {
    about: "The text that the interpreter runs, as a file.",
    otherwise: "the event is refused",
  },
  args: {
    about: "Arguments of the script, as they are.",
    otherwise: "it has none",
  },
  interpreter: {
    about: "What runs it, by the name that the agent has for it.",
    otherwise: "`sh`",
  },
  env: {
    about:
      'Variables in its environment: text, or `{"secret": text}`, which is taken out of all that it writes.',
    otherwise: "it has `PATH`, `HOME` and `LANG` alone",
  },
  stdin: {
    about: "What it finds in its standard input.",
    otherwise: "that is empty",
  },
  timeout: {
    about:
      "How long it may run, such as `30s`, from when it begins; then it is stopped.",
    otherwise: "as long as the agent allows",
  },
  permissions: {
    about:
      "With the interpreter `deno`: what Deno lets it do, such as `net=api.example:443`.",
    otherwise: "it may do nothing that takes a permission",
  },
  image: {
    about:
      "With the runner `job`: the image it runs in, one that the agent allows.",
    otherwise: "the agent's first one",
  },
  runner: {
    about:
      "How it is run: `process`, confined beside the agent, or `job`, as a Job of its cluster.",
    otherwise: "the agent's first one",
  },
};
