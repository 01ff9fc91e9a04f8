import { isRecord } from "@transporter/sdk";
import * as v from "valibot";
import { unknownKey } from "../unknown_key.ts";

/** What the event type is called. */
export const EVENT_TYPE = "policy";

/** Policies, bindings and what they look things up in. */
const DOCUMENTS_MAX = 200;

/** Rules of an event. */
const RULES_MAX = 200;

/** Kinds of live objects in an event. */
const TARGETS_MAX = 100;

const SELECTOR_CHARS_MAX = 1_000;

const LABEL = "[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?";
const LABEL_KEY = `(?:[a-z0-9][-a-z0-9.]*/)?${LABEL}`;
const REQUIREMENT = [
  `!\\s*${LABEL_KEY}`,
  `${LABEL_KEY}\\s*(?:==?|!=)\\s*(?:${LABEL})?`,
  `${LABEL_KEY}\\s*[<>]\\s*\\d+`,
  `${LABEL_KEY}\\s+(?:not)?in\\s*\\([^()]*\\)`,
  LABEL_KEY,
].join("|");

/**
 * Label selectors as a query writes them, as far as it is sure that an API
 * server refuses all else.
 *
 * @see {@link https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors}
 */
const SELECTOR_REGEXP = new RegExp(
  `^(?:\\s*(?:${REQUIREMENT})\\s*(?:,(?=.)|$))*$`,
);

function isEmpty(value: unknown): boolean {
  return value === null || value === "" ||
    (Array.isArray(value) && value.length === 0);
}

/** Upstream's producer writes the fields of all its event types into each payload; here they are empty. */
const empty = v.optional(
  v.custom<unknown>(isEmpty, `"${EVENT_TYPE}" does not take it`),
);

const document = v.custom<string | Readonly<Record<string, unknown>>>(
  (value) => typeof value === "string" || isRecord(value),
  "text or an object is needed",
);

const documents = v.pipe(
  v.array(document, "a list of YAML texts or objects is needed"),
  v.maxLength(DOCUMENTS_MAX, `at most ${DOCUMENTS_MAX} are possible`),
);

const name = v.pipe(
  v.string("text is needed"),
  v.regex(/^[^\s/]{1,253}$/, "a name is needed"),
);

const target = v.strictObject({
  kind: v.pipe(
    v.string('a kind such as "Deployment" is needed'),
    v.regex(/^[A-Za-z][A-Za-z0-9]*$/, 'a kind such as "Deployment" is needed'),
  ),
  api_version: v.optional(
    v.pipe(
      v.string('an API version such as "apps/v1" is needed'),
      v.regex(
        /^(?:[a-z0-9][-a-z0-9.]*\/)?[a-z][a-z0-9]*$/,
        'an API version such as "apps/v1" is needed',
      ),
    ),
  ),
  namespace: v.optional(name),
  label_selector: v.optional(
    v.pipe(
      v.string('a selector such as "app=web" is needed'),
      v.check(
        // What is longer is refused below, and not looked at.
        (text) =>
          text.length > SELECTOR_CHARS_MAX || SELECTOR_REGEXP.test(text),
        'a selector such as "app=web" is needed',
      ),
      v.maxLength(
        SELECTOR_CHARS_MAX,
        `at most ${SELECTOR_CHARS_MAX} characters are possible`,
      ),
    ),
  ),
});

/** Live objects of a kind. */
export type Target = v.InferOutput<typeof target>;

const rule = v.custom<Readonly<Record<string, unknown>>>(
  isRecord,
  'a rule is an object with "name" and "type"',
);

const entries = {
  policies: v.optional(documents),
  policy_rules: v.optional(
    v.nullable(
      v.pipe(
        v.array(rule, "a list of rules is needed"),
        v.maxLength(RULES_MAX, `at most ${RULES_MAX} are possible`),
      ),
    ),
  ),
  manifests: v.optional(v.nullable(v.array(document, "a list is needed"))),
  targets: v.optional(
    v.pipe(
      v.array(target, "a list of targets is needed"),
      v.maxLength(TARGETS_MAX, `at most ${TARGETS_MAX} are possible`),
    ),
  ),
  mode: v.optional(
    v.picklist(
      ["audit", "enforce"],
      'one of "audit" and "enforce" is needed',
    ),
  ),
  namespace: v.optional(name),
};

const KEYS = Object.keys(entries);

function hasAny(list: readonly unknown[] | null | undefined): boolean {
  return (list?.length ?? 0) > 0;
}

/** The payload of a `policy` event. Unknown keys are refused. */
export const payloadSchema = v.pipe(
  v.strictObject(
    { ...entries, script: empty, args: empty },
    (issue) =>
      issue.expected === "never"
        ? unknownKey(String(issue.path?.at(-1)?.key ?? ""), {
          type: EVENT_TYPE,
          keys: KEYS,
        })
        : "an object is needed",
  ),
  v.check(
    ({ policies, policy_rules: rules }) => hasAny(policies) || hasAny(rules),
    '"policies" or "policy_rules" is needed: there is nothing to judge by',
  ),
  v.check(
    ({ manifests, targets }) => hasAny(manifests) || hasAny(targets),
    '"manifests" or "targets" is needed: there is nothing to judge',
  ),
  v.check(
    ({ manifests, namespace }) => namespace === undefined || hasAny(manifests),
    '"namespace" is only for "manifests": a target has a "namespace" of its own',
  ),
);

/** What the schema accepts. */
export type Payload = v.InferOutput<typeof payloadSchema>;
