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
): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = "", ...rest] = value.split("/");
  return NAMESPACE_REGEXP.test(namespace) && NAME_REGEXP.test(name) &&
      rest.length === 0
    ? { namespace, name }
    : refuse("--service-account", value, 'NAMESPACE/NAME, such as "shop/web"');
}
