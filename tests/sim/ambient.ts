/**
 * Takes the ambient clock, randomness and outside world away while a
 * simulation runs: whatever of the core reaches for them fails there and then,
 * instead of making the next run of the seed a different one.
 *
 * @module
 */

// Digests ask for it when there are many, and a module is not loaded without Deno.
import "node:crypto";

/** Properties that throw when they are used. */
const POISONED:
  readonly (readonly [name: string, members?: readonly string[]])[] = [
    ["AbortSignal", ["timeout"]],
    ["Deno"],
    ["EventSource"],
    ["Math", ["random"]],
    ["WebSocket"],
    ["Worker"],
    ["clearInterval"],
    ["clearTimeout"],
    ["crypto"],
    ["fetch"],
    ["performance"],
    ["setImmediate"],
    ["setInterval"],
    ["setTimeout"],
  ];

function refuse(name: string): never {
  throw new TypeError(
    `Cannot use the ambient ${name} in a simulation: it enters through a port`,
  );
}

/** The date of the platform, but for the time of day. */
function timelessDate(RealDate: DateConstructor): DateConstructor {
  // A thousand are made in a run, and through a proxy each takes as long as two.
  function Date(...args: readonly [] | readonly [number]): Date {
    if (new.target === undefined) refuse("Date()");
    return args.length === 0 ? refuse("new Date()") : new RealDate(...args);
  }
  Date.prototype = RealDate.prototype;
  Date.UTC = RealDate.UTC;
  Date.parse = RealDate.parse;
  Date.now = () => refuse("Date.now");
  return Date as unknown as DateConstructor;
}

/** Poisons what is ambient; disposing the result gives it back. */
export function poisonAmbient(): Disposable {
  const undo: (() => void)[] = [];
  function replace(target: object, name: string, next: PropertyDescriptor) {
    const before = Object.getOwnPropertyDescriptor(target, name);
    Object.defineProperty(target, name, { configurable: true, ...next });
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, before);
    });
  }
  for (const [name, members] of POISONED) {
    if (members === undefined) {
      replace(globalThis, name, { get: () => refuse(name) });
      continue;
    }
    const object: object = Reflect.get(globalThis, name);
    for (const member of members) {
      replace(object, member, { value: () => refuse(`${name}.${member}`) });
    }
  }
  // Errors are made by the thousand, and nobody reads where.
  replace(Error, "stackTraceLimit", { value: 0, writable: true });
  replace(globalThis, "Date", { value: timelessDate(Date), writable: true });
  return {
    [Symbol.dispose]() {
      for (const back of undo.reverse()) back();
    },
  };
}
