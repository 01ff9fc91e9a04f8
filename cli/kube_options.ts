import { TransporterError } from "@transporter/sdk";
import { once, refuse } from "./options.ts";

/** What namespaces may be called. @see {@link https://kubernetes.io/docs/concepts/overview/working-with-objects/names/} */
export const NAMESPACE_REGEXP = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** What objects may be called. */
export const NAME_REGEXP = /^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/;

/** What names an ApplySet. */
export const APPLY_SET_REGEXP =
  /^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/)?[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/;

/**
 * The parser of a flag that takes one value of a form.
 *
 * @throws {TransporterError} `usage`.
 */
export function matching(
  flag: string,
  pattern: RegExp,
  wanted: string,
): (value: string, previous?: string) => string {
  return once(
    flag,
    (value) => pattern.test(value) ? value : refuse(flag, value, wanted),
  );
}

/**
 * Reads a ServiceAccount.
 *
 * @throws {TransporterError} `usage`.
 */
export function account(
  value: string,
  flag = "--service-account",
): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = "", ...rest] = value.split("/");
  return NAMESPACE_REGEXP.test(namespace) && NAME_REGEXP.test(name) &&
      rest.length === 0
    ? { namespace, name }
    : refuse(flag, value, 'NAMESPACE/NAME, such as "shop/web"');
}

/** As whom events act, by the flags that say so. */
export interface ActingFlags {
  readonly as?: { readonly namespace: string; readonly name: string };
  readonly asGroup?: readonly string[];
  readonly asExtra?: readonly string[];
}

/** As whom events act. */
export interface Acting {
  /** The ServiceAccount. */
  readonly account: { readonly namespace: string; readonly name: string };
  /** The groups, in place of those of every ServiceAccount. */
  readonly groups: readonly string[];
  /** What else authorizers see: key and value. */
  readonly extra: readonly (readonly [key: string, value: string])[];
}

/**
 * Reads as whom events act; `undefined` when they act as their agent.
 *
 * @throws {TransporterError} `usage`.
 */
export function actingOf(
  { as, asGroup = [], asExtra = [] }: ActingFlags,
): Acting | undefined {
  if (as === undefined) {
    if (asGroup.length === 0 && asExtra.length === 0) return undefined;
    throw new TransporterError(
      "usage",
      "Cannot use --as-group or --as-extra without --as, the ServiceAccount that events act as",
    );
  }
  const extra = asExtra.map((text) => {
    const at = text.indexOf("=");
    return at > 0
      ? [text.slice(0, at), text.slice(at + 1)] as const
      : refuse("--as-extra", text, 'KEY=VALUE, such as "project=shop"');
  });
  return { account: as, groups: asGroup, extra };
}
