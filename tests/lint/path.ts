/** Where a file stands in the repository. */
export interface Place {
  /** The path below the root of the repository, such as `"cp/store/sqlite.ts"`. */
  readonly path: string;
  /** The package the file belongs to, or `undefined` for what composes packages. */
  readonly package: string | undefined;
  /** Whether the file holds tests, or a suite of tests. */
  readonly test: boolean;
}

const ROOT = new URL("../../", import.meta.url);
const PACKAGE_REGEXP = /^(sdk|plugins|agent|cp|cli)\//;
const TEST_REGEXP = /_(test|suite)\.tsx?$|^tests\/|(^|\/)(testdata|testing)\//;

/**
 * Finds where a file stands in the repository, wherever the repository is checked out.
 *
 * @param filename As the linter gives it: absolute, or relative to the root.
 */
export function placeOf(filename: string): Place {
  const root = decodeURIComponent(ROOT.pathname);
  const path = filename.startsWith(root)
    ? filename.slice(root.length)
    : filename;
  return {
    path,
    package: PACKAGE_REGEXP.exec(path)?.[1],
    test: TEST_REGEXP.test(path),
  };
}
