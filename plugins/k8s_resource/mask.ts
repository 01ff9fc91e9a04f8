import { createHmac, randomBytes } from "node:crypto";
import { isRecord } from "@transporter/sdk";
import { withLongAsText } from "./exact_json.ts";
import type { FieldChange } from "./field_changes.ts";
import { isSecret } from "./is_secret.ts";
import type { ObjectName } from "./manifest.ts";

/** Characters of a mask: enough to see that two values differ. */
const MASK_CHARS = 12;

/** Characters of a value, in a result. */
export const VALUE_CHARS_MAX = 4_000;

/** Where `kubectl apply` keeps the whole object, a Secret's values too. */
const LAST_APPLIED =
  '.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]';

/** Characters that are kept before the place where two long texts part. */
const COMMON_CHARS = 200;

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

function cut(text: string, from: number): string {
  const end = from + VALUE_CHARS_MAX;
  return `${from > 0 ? "…" : ""}${text.slice(from, end).toWellFormed()}${
    end < text.length ? `… (${text.length} characters)` : ""
  }`;
}

/** Cuts long values to where they part. */
function excerpts({ path, ...raw }: FieldChange): FieldChange {
  const values = withLongAsText(raw) as Omit<FieldChange, "path">;
  const entries = Object.entries(values);
  const texts = entries.map(([, value]) => textOf(value));
  if (texts.every(({ length }) => length <= VALUE_CHARS_MAX)) {
    return { path, ...values };
  }
  const [first = "", second = first] = texts;
  let parts = 0;
  while (parts < first.length && first[parts] === second[parts]) parts++;
  const from = texts.length < 2 ? 0 : Math.max(0, parts - COMMON_CHARS);
  return {
    path,
    ...Object.fromEntries(
      entries.map(([name], index) => [name, cut(texts[index] ?? "", from)]),
    ),
  };
}

/**
 * Makes changes fit to be shown: the values of Secrets become HMACs, so that a
 * change is visible and the value never is, and long values are cut.
 */
export class Mask {
  /** Ours alone and forgotten with the process, so that nobody can try values against what we show. */
  readonly #key = randomBytes(32);

  /** What may be shown of the changes of an object. */
  changes(
    object: ObjectName,
    changes: readonly FieldChange[],
  ): FieldChange[] {
    const secret = isSecret(object);
    return changes.map((change) =>
      excerpts(secret ? this.#secret(change) : change)
    );
  }

  /** An object with what must not be shown masked. */
  object(
    name: ObjectName,
    object: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>> {
    if (!isSecret(name)) return object;
    return {
      ...object,
      metadata: this.#inMetadata(object.metadata),
      data: this.#masked(object.data),
    };
  }

  /** A value, cut when it is too long for a result. */
  value(value: unknown): unknown {
    return excerpts({ path: "", after: value }).after;
  }

  #secret({ path, ...values }: FieldChange): FieldChange {
    const hide = /^\.(?:data|stringData)\b/.test(path) || path === LAST_APPLIED
      ? (value: unknown) => this.#masked(value)
      : (value: unknown) => this.#inMetadata(value);
    return {
      path,
      ...Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, hide(value)]),
      ),
    };
  }

  /** Masks what `kubectl` keeps in the annotations, when they come or go as a whole. */
  #inMetadata(value: unknown): unknown {
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        key.endsWith("last-applied-configuration")
          ? this.#masked(each)
          : this.#inMetadata(each),
      ]),
    );
  }

  #masked(value: unknown): unknown {
    if (value === undefined) return undefined;
    if (isRecord(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, this.#masked(each)]),
      );
    }
    const digest = createHmac("sha256", this.#key)
      .update(JSON.stringify(value) ?? "").digest("hex");
    return `hmac:${digest.slice(0, MASK_CHARS)}`;
  }
}
