import { deepStrictEqual } from "node:assert/strict";
import { repositoryTexts } from "./files.ts";

interface Ban {
  /** Ends "no file has …". */
  readonly name: string;
  readonly regexp: RegExp;
  /** The files that are looked at; all unless given. */
  readonly files?: RegExp;
  /** The files that may. */
  readonly except?: RegExp;
}

const BANS: readonly Ban[] = [
  {
    name: "the path of one machine",
    regexp: /(?<![\w.-])\/work\//,
  },
  {
    name: "a path that leaves the repository",
    regexp: /\.\.\/shared\b/,
    except: /^\.ci\/run$/,
  },
  {
    name: "the host of a package registry",
    regexp:
      /\b(registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.jsr\.io|proxy\.golang\.org|sum\.golang\.org|deb\.debian\.org|pypi\.org|files\.pythonhosted\.org|static\.crates\.io)\b/,
  },
  {
    name: "a tarball instead of a version in the lock",
    regexp: /"tarball"|https?:\/\//,
    files: /^deno\.lock$/,
  },
  {
    name: "an excuse for any",
    regexp: /deno-lint-ignore(-file)?[^\n]*\bno-explicit-any\b/,
    files: /\.tsx?$/,
  },
  {
    name: "an excuse for a type error",
    regexp: /@ts-(ignore|nocheck|expect-error)\b/,
    files: /\.tsx?$/,
  },
  {
    name: "a lint exception without its reason",
    regexp: /deno-lint-ignore(?!.* -- \S)/,
    files: /\.tsx?$/,
  },
  {
    name: "a focused test",
    regexp: /\bDeno\.test\.only\(|\bonly: true\b/,
    files: /\.tsx?$/,
  },
  {
    name: "an emoji",
    regexp: /\p{Emoji_Presentation}/u,
    // Text of the world is what these are about.
    except: /(_test|_suite)\.ts$|\/(testdata|testing)\//,
  },
];

for (const { name, regexp, files = /./, except = /^$/ } of BANS) {
  Deno.test(`no file has ${name}`, async () => {
    const found: string[] = [];
    for (const [path, text] of await repositoryTexts()) {
      if (path === "tests/tree_test.ts") continue; // names what it looks for
      if (!files.test(path) || except.test(path)) continue;
      text.split("\n").forEach((line, i) => {
        if (regexp.test(line)) found.push(`${path}:${i + 1}: ${line.trim()}`);
      });
    }
    deepStrictEqual(found, []);
  });
}
