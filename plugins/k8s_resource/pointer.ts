import { isRecord } from "@transporter/sdk";

/** The way to a field, a key or a place in a list for each level. @see {@link https://www.rfc-editor.org/rfc/rfc6901} */
export type Pointer = readonly string[];

/** What tells the elements of most lists of the API apart. */
export const ELEMENT_KEYS = [
  "name",
  "containerPort",
  "mountPath",
  "ip",
  "type",
] as const;

/** Reads a JSON pointer, which begins with a slash. */
export function readPointer(text: string): Pointer {
  return text.slice(1).split("/").map((token) =>
    token.replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

/** Whether it is a place in a list. */
function isPlace(token: string): boolean {
  return /^(?:0|[1-9]\d{0,9})$/.test(token);
}

/** What stands one level below. */
export function below(value: unknown, token: string): unknown {
  if (Array.isArray(value)) return isPlace(token) ? value[+token] : undefined;
  return isRecord(value) && Object.hasOwn(value, token)
    ? value[token]
    : undefined;
}

/**
 * The place of an element in another list than the one that a pointer counts
 * in: of the element that has the same key, else the same place.
 *
 * @param list Where it is looked for.
 * @param token Its place in the list of the manifest.
 * @param like That list; anything else when the manifest has none.
 * @returns -1 when it is not there.
 */
function placeIn(
  list: readonly unknown[],
  token: string,
  like: unknown,
): number {
  const wanted = below(like, token);
  if (!isRecord(wanted)) return isPlace(token) ? +token : -1;
  const key = ELEMENT_KEYS.find((each) => each in wanted);
  return key === undefined
    ? +token
    : list.findIndex((each) => isRecord(each) && each[key] === wanted[key]);
}

/** What a pointer into a manifest leads to in the object as it is; `undefined` when nothing stands there. */
export function valueLike(
  value: unknown,
  [token, ...rest]: Pointer,
  like: unknown,
): unknown {
  if (token === undefined) return value;
  const next = Array.isArray(value)
    ? value[placeIn(value, token, like)]
    : below(value, token);
  return next === undefined
    ? undefined
    : valueLike(next, rest, below(like, token));
}

/**
 * An object without a field, and without what is empty then.
 *
 * @param value The object as it is.
 * @param pointer Which field, by the manifest.
 * @param like The manifest.
 */
export function withoutLike(
  value: unknown,
  [token, ...rest]: Pointer,
  like: unknown,
): unknown {
  if (token === undefined) return undefined;
  if (Array.isArray(value)) {
    const place = placeIn(value, token, like);
    return value.map((each, index) =>
      index === place ? withoutLike(each, rest, below(like, token)) : each
    );
  }
  if (!isRecord(value) || !Object.hasOwn(value, token)) return value;
  const { [token]: field, ...others } = value;
  const left = withoutLike(field, rest, below(like, token));
  if (left !== undefined) return { ...value, [token]: left };
  return Object.keys(others).length === 0 ? undefined : others;
}
