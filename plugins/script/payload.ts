import { isRecord } from "@transporter/sdk";
import * as v from "valibot";
import { DENO, PERMISSION_REGEXP } from "./permissions.ts";
import { unknownKey } from "../unknown_key.ts";

/** What the event type is called. */
export const EVENT_TYPE = "script";

/** How a script may be run: as a confined process beside the agent, or as a Job of its cluster. */
export const RUNNERS = ["process", "job"] as const;

/** One of them. */
export type RunnerName = typeof RUNNERS[number];

/** The interpreter of a payload that names none. */
export const INTERPRETER_DEFAULT = "sh";

/** Characters of a script: far more than anybody writes. */
const SCRIPT_CHARS_MAX = 1024 * 1024;

/** Bytes of one argument, or of one variable with its name: what Linux takes. */
const ARG_BYTES_MAX = 131_000;

/** Arguments, and variables. */
const ARGS_MAX = 1000;

/** Bytes of all arguments, and of all variables. */
const ARGS_BYTES_MAX = 1024 * 1024;

/** Characters of a secret: a shorter one could not be told from other output. */
const SECRET_CHARS_MIN = 4;

/** Characters of standard input. */
const STDIN_CHARS_MAX = 4 * 1024 * 1024;

const encoder = new TextEncoder();

function isEmpty(value: unknown): boolean {
  return value === null || value === "" ||
    (Array.isArray(value) && value.length === 0);
}

/** Upstream's producer writes the fields of all its event types into each payload; here they are empty. */
const empty = v.optional(
  v.custom<unknown>(isEmpty, `"${EVENT_TYPE}" does not take it`),
);

/** A text that a process can be given. */
const plain = v.pipe(
  v.string("text is needed"),
  v.check((text) => !text.includes("\0"), "a NUL cannot be passed on"),
  v.check(
    (text) => encoder.encode(text).length <= ARG_BYTES_MAX,
    `at most ${ARG_BYTES_MAX} bytes are possible`,
  ),
);

const args = v.pipe(
  v.array(plain, "a list of texts is needed"),
  v.maxLength(ARGS_MAX, `at most ${ARGS_MAX} arguments are possible`),
  v.check(
    (list) => sizeOf(list) <= ARGS_BYTES_MAX,
    `all together have to be at most ${ARGS_BYTES_MAX} bytes`,
  ),
);

const secret = v.strictObject({
  secret: v.pipe(
    plain,
    v.minLength(
      SECRET_CHARS_MIN,
      `a secret needs at least ${SECRET_CHARS_MIN} characters, as it is taken out of the output`,
    ),
  ),
});

/** Variables that a shell keeps for itself, so that nobody can be given them through one. */
const SHELL_NAMES: ReadonlySet<string> = new Set([
  "BASHOPTS",
  "BASH_VERSINFO",
  "EUID",
  "OPTIND",
  "PPID",
  "SHELLOPTS",
  "UID",
]);

const env = v.pipe(
  v.record(
    v.pipe(
      v.string(),
      v.regex(
        /^[A-Za-z_][A-Za-z0-9_]{0,254}$/,
        "the name of a variable has letters, digits and underscores, and no digit first",
      ),
      v.check(
        (name) => !SHELL_NAMES.has(name),
        "shells keep this variable for themselves",
      ),
    ),
    v.union([plain, secret], 'text, or {"secret": text}, is needed'),
    'an object like {"NAME": "value"} is needed',
  ),
  v.check(
    (all) => Object.keys(all).length <= ARGS_MAX,
    `at most ${ARGS_MAX} variables are possible`,
  ),
  v.check(
    (all) => sizeOf(Object.entries(all).flat().map(valueOf)) <= ARGS_BYTES_MAX,
    `all together have to be at most ${ARGS_BYTES_MAX} bytes`,
  ),
);

function sizeOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + encoder.encode(text).length, 0);
}

/** The value of a variable, whether it is a secret or not. */
export function valueOf(
  variable: string | { readonly secret: string },
): string {
  return typeof variable === "string" ? variable : variable.secret;
}

/** The values that must not be seen in what a script writes. */
export function secretsOf(env: Payload["env"] = {}): readonly string[] {
  return Object.values(env)
    .flatMap((value) => typeof value === "string" ? [] : value.secret);
}

const DURATION_REGEXP = /^(?=.*[1-9])(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

const entries = {
  script: v.pipe(
    v.string("a script is needed"),
    v.check((text) => text.trim() !== "", "a script is needed"),
    v.maxLength(
      SCRIPT_CHARS_MAX,
      `at most ${SCRIPT_CHARS_MAX} characters are possible`,
    ),
  ),
  args: v.optional(v.nullable(args)),
  interpreter: v.optional(
    v.pipe(
      v.string("the name of an interpreter is needed"),
      v.regex(
        /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/,
        "a name that the agent has for an interpreter is needed, not a path",
      ),
    ),
  ),
  env: v.optional(env),
  stdin: v.optional(
    v.pipe(
      v.string("text is needed"),
      v.maxLength(
        STDIN_CHARS_MAX,
        `at most ${STDIN_CHARS_MAX} characters are possible`,
      ),
    ),
  ),
  timeout: v.optional(
    v.pipe(
      v.string('a duration above zero such as "30s" or "5m" is needed'),
      v.regex(
        DURATION_REGEXP,
        'a duration above zero such as "30s" or "5m" is needed',
      ),
    ),
  ),
  permissions: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string("a permission is needed"),
          v.regex(
            PERMISSION_REGEXP,
            'a permission of Deno like "net=api.example:443" is needed: net, read, write, env or sys, and no comma',
          ),
        ),
        "a list of permissions is needed",
      ),
      v.maxLength(100, "at most 100 permissions are possible"),
    ),
  ),
  image: v.optional(
    v.pipe(
      v.string("the name of an image is needed"),
      v.regex(/^[^\s]{1,500}$/, "the name of an image is needed"),
    ),
  ),
  runner: v.optional(
    v.picklist(RUNNERS, 'one of "process", "job" is needed'),
  ),
};

const KEYS = Object.keys(entries);

/** The payload of a `script` event. Unknown keys are refused. */
export const payloadSchema = v.pipe(
  v.strictObject(
    { ...entries, manifests: empty, policy_rules: empty },
    (issue) =>
      issue.expected === "never"
        ? unknownKey(String(issue.path?.at(-1)?.key ?? ""), {
          type: EVENT_TYPE,
          keys: KEYS,
        })
        : isRecord(issue.input)
        ? "a script is needed"
        : "an object is needed",
  ),
  v.check(
    ({ permissions, interpreter }) =>
      permissions === undefined || interpreter === DENO,
    `"permissions" are only for the interpreter "${DENO}"`,
  ),
  v.check(
    ({ image, runner }) => image === undefined || runner === "job",
    '"image" is only for the runner "job": a process runs with the programs of the agent\'s machine',
  ),
);

/** What the schema accepts. */
export type Payload = v.InferOutput<typeof payloadSchema>;
