import type { CoreOptions } from "../../../cp/core.ts";
import type { Store } from "../../../cp/store/store.ts";
import type { Violation } from "../../history/violation.ts";
import type { WireName } from "../medium.ts";
import type { Plant } from "../plant.ts";

/** A fault that is planted into the program, to see that the simulator catches it. */
export interface Mutant {
  /** Its name, in kebab-case. */
  readonly name: string;
  /** Which faults of upstream's it stands for; often none. */
  readonly upstream: readonly string[];
  /** What it does, in one sentence. */
  readonly does: string;
  /** The guarantees that it breaks: one of them has to catch it. Empty when it is harmless. */
  readonly breaks: readonly Violation["guarantee"][];
  /** Why it breaks nothing; such a mutant has to survive its budget. */
  readonly harmless?: string;
  /** Whether it ends programs, so that a crash is a catch. */
  readonly crashes?: boolean;
  /** In so many seeds from 1 it is caught, or survives. */
  readonly budget: number;
  /** Seeds that catch one that is rare; they are run instead of searching. */
  readonly recorded?: readonly number[];
  /** How many control planes share a store in its runs; by default there is one. */
  readonly replicas?: 2;
  /** What carries frames in its runs; by default a connection. */
  readonly wire?: WireName;
  /** Makes the fault, anew for each run. */
  plant(): Plant;
}

/** Errors of planted code itself in the run at hand: whatever it does then shows nothing. */
export const BUGS: Set<string> = new Set();

/** Notes an error if it says that code is wrong, whatever the code was to do. */
export function noteBug(reason: unknown): void {
  for (let error = reason; error instanceof Error; error = error.cause) {
    const { name } = error;
    if (/^(Type|Reference|Range|Syntax)Error$/.test(name)) BUGS.add(`${error}`);
  }
}

/** The same function, whose bugs are noted. */
function noticing<T>(call: T): T {
  if (typeof call !== "function") return call;
  function failed(reason: unknown): never {
    noteBug(reason);
    throw reason;
  }
  return new Proxy(call, {
    apply(target, self, args) {
      try {
        const value: unknown = Reflect.apply(target, self, args);
        return value instanceof Promise ? value.catch(failed) : value;
      } catch (reason) {
        return failed(reason);
      }
    },
  });
}

/**
 * Replaces a method of a class; disposing the result puts it back.
 *
 * @param target The prototype.
 * @param name The method.
 * @param make Makes the other one, given the method.
 */
export function replace<T extends object, K extends keyof T>(
  target: T,
  name: K,
  make: (original: T[K]) => T[K],
): Disposable {
  const before = Object.getOwnPropertyDescriptor(target, name);
  if (typeof before?.value !== "function") {
    throw new TypeError(`There is no method "${String(name)}" to replace`);
  }
  const value = noticing(make(before.value));
  Object.defineProperty(target, name, { ...before, value });
  return {
    [Symbol.dispose]: () => void Object.defineProperty(target, name, before),
  };
}

/** Several that are disposed together. */
export function all(...disposables: readonly Disposable[]): Disposable {
  const stack = new DisposableStack();
  for (const disposable of disposables) stack.use(disposable);
  return stack;
}

/** An object of which some methods are other ones; the others are called on it itself. */
export function withMethods<T extends object>(
  object: T,
  methods: Partial<T>,
): T {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) {
        return noticing(Reflect.get(methods, name));
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A control plane whose store does something else in some of its methods. */
export function withStore(
  options: CoreOptions,
  make: (store: Store) => Partial<Store>,
): CoreOptions {
  const { store } = options;
  return { ...options, store: withMethods(store, make(store)) };
}
