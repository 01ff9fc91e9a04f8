import { isRecord } from "@transporter/sdk";
import * as v from "valibot";

/** Paths of a `get`: each is looked for in each object. */
const FIELDS_MAX = 50;

/** One of a few words; what else is there is refused, naming them. */
export function oneOf<const Values extends readonly string[]>(values: Values) {
  const names = values.map((value) => `"${value}"`).join(", ");
  return v.picklist(values, `one of ${names} is needed`);
}

/** Yes or no. */
export const flag = v.boolean("true or false is needed");

const DURATION_REGEXP = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

const SPAN_REGEXP = /^(?=.*[1-9])(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** How long. */
export const duration = v.pipe(
  v.string('a duration such as "30s" or "5m" is needed'),
  v.regex(DURATION_REGEXP, 'a duration such as "30s" or "5m" is needed'),
);

/** How long something may take, which is some time at least. */
export const span = v.pipe(
  v.string('a duration above zero such as "30s" or "5m" is needed'),
  v.regex(
    SPAN_REGEXP,
    'a duration above zero such as "30s" or "5m" is needed',
  ),
);

/** The reader of paths says what is wrong in one; here it is only text. */
export const fields = v.pipe(
  v.array(
    v.pipe(
      v.string("a path is needed"),
      v.minLength(1, "a path is needed"),
      v.maxLength(500, "a path of at most 500 characters is needed"),
    ),
    "a list of paths is needed",
  ),
  v.minLength(1, "at least one path is needed"),
  v.maxLength(FIELDS_MAX, `at most ${FIELDS_MAX} paths are possible`),
);

const text = v.pipe(
  v.string("text is needed"),
  v.regex(
    /^[ -~]{1,253}$/,
    "at most 253 printable ASCII characters are needed",
  ),
);

/** As whom the API server is asked. */
export const identity = v.strictObject(
  {
    service_account: v.pipe(
      v.string('a ServiceAccount like "shop/deployer" is needed'),
      v.regex(
        /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/,
        'a ServiceAccount like "shop/deployer" is needed',
      ),
    ),
    groups: v.optional(
      v.pipe(v.array(text), v.minLength(1), v.maxLength(20)),
    ),
    extra: v.optional(v.record(text, v.pipe(v.array(text), v.maxLength(20)))),
  },
  'an object with "service_account", and no other keys than "groups" and "extra", is needed',
);

/** A JSON pointer. @see {@link https://www.rfc-editor.org/rfc/rfc6901} */
const pointer = v.regex(
  /^(?:\/(?:[^~]|~[01])*)?$/,
  'a JSON pointer like "/spec/replicas" is needed',
);

/** What a step of a JSON patch needs besides its path; the server would take nothing for an empty value. */
const STEP_NEEDS: Readonly<Record<string, string>> = {
  add: "value",
  replace: "value",
  test: "value",
  move: "from",
  copy: "from",
};

/** One step of a JSON patch. @see {@link https://www.rfc-editor.org/rfc/rfc6902#section-4} */
const patchStep = v.pipe(
  v.looseObject({
    op: oneOf(["add", "remove", "replace", "move", "copy", "test"]),
    path: v.pipe(v.string('a "path" is needed'), pointer),
    from: v.optional(v.pipe(v.string('a "from" is needed'), pointer)),
  }, 'an object with "op" and "path" is needed'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const needed = STEP_NEEDS[dataset.value.op];
    if (needed === undefined || needed in dataset.value) return;
    addIssue({ message: `"${dataset.value.op}" needs a "${needed}"` });
  }),
);

/** The fields of a merge patch; a list is none, and must not become one with the fields "0" and "1". */
export const patchFields = v.custom<Record<string, unknown>>(isRecord);

/** A JSON patch, or the fields of a merge. */
export const patch = v.union(
  [
    v.pipe(
      v.array(patchStep),
      v.minLength(1, "at least one step is needed"),
      v.maxLength(1_000, "at most 1000 steps are possible"),
    ),
    v.pipe(patchFields, v.minEntries(1, "at least one field is needed")),
  ],
  'a list of steps with "op" and "path", or an object with fields, is needed',
);

/** A text that somebody has written. */
function written(what: string, most: number) {
  return v.pipe(
    v.string(`${what} is needed`),
    v.minLength(1, `${what} is needed`),
    v.maxLength(most, `${what} of at most ${most} characters is needed`),
  );
}

/** When objects of a kind are ready; the reader of CEL says what is wrong in an expression. */
export const readyWhen = v.pipe(
  v.array(
    v.strictObject({
      api_version: written('an "api_version"', 320),
      kind: written('a "kind"', 63),
      when: written('an expression "when"', 1_000),
    }, 'an object with "api_version", "kind" and "when" is needed'),
    "a list of conditions is needed",
  ),
  v.minLength(1, "at least one condition is needed"),
  v.maxLength(50, "at most 50 conditions are possible"),
);

/** Which fields of objects of a kind are left alone. @see {@link https://www.rfc-editor.org/rfc/rfc6901} */
export const ignoreFields = v.pipe(
  v.array(
    v.strictObject({
      api_version: written('an "api_version"', 320),
      kind: written('a "kind"', 63),
      pointers: v.pipe(
        v.array(
          v.pipe(
            written("a JSON pointer", 1_000),
            v.regex(
              /^\/(?:[^~]|~[01])*$/,
              'a JSON pointer like "/spec/replicas" is needed',
            ),
          ),
          "a list of JSON pointers is needed",
        ),
        v.minLength(1, "at least one JSON pointer is needed"),
        v.maxLength(20, "at most 20 JSON pointers are possible"),
      ),
    }, 'an object with "api_version", "kind" and "pointers" is needed'),
    "a list of kinds with pointers is needed",
  ),
  v.minLength(1, "at least one kind is needed"),
  v.maxLength(50, "at most 50 kinds are possible"),
);

/** @see {@link https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names} */
export const NAMESPACE_REGEXP = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** The name of a namespace. */
export const namespace = v.pipe(
  v.string('the name of a namespace like "shop" is needed'),
  v.regex(NAMESPACE_REGEXP, 'the name of a namespace like "shop" is needed'),
);

/** The parent of an ApplySet: `NAME` or `NAMESPACE/NAME`. */
export const applySet = v.pipe(
  v.string('a name like "shop" or "shop/web" is needed'),
  v.regex(
    /^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/)?[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/,
    'a name like "shop" or "shop/web" is needed',
  ),
);

/** A few of some words, each once. */
export function someOf<const Values extends readonly string[]>(values: Values) {
  return v.pipe(
    v.array(oneOf(values), "a list is needed"),
    v.minLength(1, "at least one is needed"),
    v.maxLength(values.length, `at most ${values.length} are possible`),
  );
}

/** @see {@link https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/validation/validation.go} */
export const fieldManager = v.pipe(
  v.string("a name is needed"),
  v.regex(
    /^[ -~]{1,128}$/,
    "a name of at most 128 printable ASCII characters is needed",
  ),
);
