import type { Store } from "../store/store.ts";

/**
 * Goes between those who use a store and the store, and does something else
 * with one method; for `wrap` of a world, or around a store.
 *
 * @param method Which one.
 * @param meddle Makes what is called instead, from the method as it is.
 */
export function meddling<Name extends keyof Store>(
  method: Name,
  meddle: (proper: Store[Name]) => Store[Name],
): (store: Store) => Store {
  return (store) =>
    new Proxy(store, {
      get(target, name: keyof Store) {
        const value = target[name];
        if (typeof value !== "function") return value;
        const bound = value.bind(target);
        return name === method ? meddle(bound as Store[Name]) : bound;
      },
    });
}
