import { placeOf } from "./path.ts";

/** What the core may not reach, since the simulator could not hold it still. */
const GLOBALS: readonly string[] = [
  "Deno",
  "EventSource",
  "WebSocket",
  "crypto",
  "fetch",
  "performance",
  "setImmediate",
  "setInterval",
  "setTimeout",
];

/** The same, of globals that are otherwise harmless. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  AbortSignal: ["timeout"],
  Date: ["now"],
  Math: ["random"],
};

const MODULE_REGEXP =
  /^(node:)?(child_process|cluster|dgram|dns|fs|http|http2|https|net|os|perf_hooks|process|sqlite|timers|tls|worker_threads)(\/|$)|^ws$/;

/** Of node:crypto, what is not a pure function of its input. */
const CRYPTO_NAMES: readonly string[] = [
  "generateKeyPair",
  "generateKeyPairSync",
  "getRandomValues",
  "randomBytes",
  "randomFill",
  "randomFillSync",
  "randomInt",
  "randomUUID",
  "subtle",
  "webcrypto",
];

/** The drivers at the edge of a core package: the only files that may use the real things, and why. */
export const DRIVERS: Readonly<Record<string, string>> = {
  "cp/store/sqlite.ts": "the store on disk",
  "cp/store/sqlite_file.ts": "the file of the store on disk",
  "cp/store/sqlite_group.ts":
    "its transactions, one for what comes in a turn of the event loop",
  "cp/store/sqlite_reserve.ts": "the room that it sets aside",
  "cp/store/redis.ts": "the store in Redis: its names are random",
  "cp/store/redis_connection.ts":
    "its connection, one piece for what comes in a turn of the event loop",
  "cp/store/redis_listen.ts": "its other connection, which listens",
  "cp/store/disk_space.ts": "how much room its disk has",
  "cp/server.ts": "the listener",
  "cp/first_message.ts": "its sockets, before anybody has registered",
  "cp/read_fairly.ts": "its requests, read in turns",
  "cp/turns.ts": "work of one turn of the event loop",
  "agent/journal_file.ts": "the journal on disk",
  "agent/plugin/deno.ts": "deno as a tool, and the files of plugins",
  "agent/plugin/guest.ts": "the streams of a plugin's process",
  "agent/plugin/pipe.ts": "a plugin's process",
  "sdk/folder_lock.ts": "the lock on a data folder",
};

/** The core: root modules of the SDK, the control plane, the agent. */
const CORE_REGEXP = /^(sdk\/[^/]+|(cp|agent)\/.+)\.ts$/;

const HINT =
  "Time, randomness, ids and the outside enter through ports: sdk/clock.ts, sdk/rng.ts, an option.";

function nameOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  if (node.type === "Literal" && typeof node.value === "string") {
    return node.value;
  }
  return undefined;
}

/** What an identifier is to the code around it. */
function roleOf(node: Deno.lint.Identifier): "use" | "binding" | "name" {
  const parent: Deno.lint.Node = node.parent;
  switch (parent.type) {
    case "MemberExpression":
      return parent.object === node || parent.computed ? "use" : "name";
    case "Property":
      if (parent.parent.type === "ObjectPattern") return "binding";
      return parent.value === node ? "use" : "name";
    case "MethodDefinition":
    case "PropertyDefinition":
      return parent.key === node && !parent.computed ? "name" : "use";
    case "VariableDeclarator":
      return parent.id === node ? "binding" : "use";
    case "AssignmentPattern":
      return parent.left === node ? "binding" : "use";
    case "FunctionDeclaration":
    case "FunctionExpression":
      return "binding"; // its own name, or a parameter
    case "ArrowFunctionExpression":
      return parent.body === node ? "use" : "binding";
    case "ClassDeclaration":
    case "ClassExpression":
      return parent.superClass === node ? "use" : "binding";
    case "ArrayPattern":
    case "CatchClause":
    case "ImportDefaultSpecifier":
    case "ImportNamespaceSpecifier":
    case "ImportSpecifier":
    case "RestElement":
      return "binding";
    case "TSAsExpression":
    case "TSNonNullExpression":
    case "TSSatisfiesExpression":
    case "TSTypeAssertion":
      return "use";
    default:
      return parent.type.startsWith("TS") ? "name" : "use";
  }
}

/** Time, randomness and the outside world are ports of the core, not ambient: guarantees, "Ports". */
export const ambient: Deno.lint.Rule = {
  create(context) {
    const { path, test } = placeOf(context.filename);
    if (!CORE_REGEXP.test(path) || test || Object.hasOwn(DRIVERS, path)) {
      return {};
    }

    const bound = new Set<string>();
    const used = new Map<number, Deno.lint.Identifier>();

    function report(node: Deno.lint.Node, name: string): void {
      context.report({
        node,
        message: `The core must not use "${name}"`,
        hint: HINT,
      });
    }

    return {
      Identifier(node) {
        if (!GLOBALS.includes(node.name)) return;
        const role = roleOf(node);
        if (role === "binding") bound.add(node.name);
        if (role === "use") used.set(node.range[0], node);
      },
      MemberExpression(node) {
        const [object, property] = [nameOf(node.object), nameOf(node.property)];
        if (object === undefined || property === undefined) return;
        if (MEMBERS[object]?.includes(property)) {
          report(node, `${object}.${property}`);
        }
        if (object === "globalThis" && GLOBALS.includes(property)) {
          report(node, property);
        }
      },
      NewExpression(node) {
        if (nameOf(node.callee) === "Date" && node.arguments.length === 0) {
          report(node, "new Date()");
        }
      },
      CallExpression(node) {
        if (nameOf(node.callee) === "Date") report(node, "Date()");
      },
      ImportDeclaration(node) {
        if (node.importKind === "type") return;
        if (MODULE_REGEXP.test(node.source.value)) {
          report(node, node.source.value);
        }
        if (!/^(node:)?crypto$/.test(node.source.value)) return;
        for (const specifier of node.specifiers) {
          if (specifier.type !== "ImportSpecifier") {
            report(node, node.source.value);
          } else if (CRYPTO_NAMES.includes(nameOf(specifier.imported) ?? "")) {
            report(specifier, nameOf(specifier.imported) ?? "");
          }
        }
      },
      "Program:exit"() {
        for (const node of used.values()) {
          if (!bound.has(node.name)) report(node, node.name);
        }
      },
    };
  },
};
