/** Escapes, and characters that JSON takes as they are and the server's YAML reader refuses or folds into spaces (seen on 1.36.3). */
const SPECIAL_REGEXP =
  /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^]|[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
const SUSPECT_REGEXP =
  /\\u[dD][89abAB]|\\\/|[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/;

function rewrite(piece: string): string {
  if (piece.length === 12) return JSON.parse(`"${piece}"`);
  if (piece === "\\/") return "/";
  if (piece.startsWith("\\")) return piece;
  return `\\u${piece.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // YAML, or nothing at all: the reader says which
  }
}

/**
 * Makes a JSON text one that means the same to a YAML reader, which is what the
 * API server uses for it: characters beyond U+FFFF as themselves in place of
 * two escapes (Python writes those), a slash without its backslash (PHP writes
 * one), control characters and Unicode's line breaks as escapes. Any other text comes back as it is.
 *
 * @param text JSON or YAML.
 * @returns The same JSON, or the same text.
 */
export function safeJson(text: string): string {
  if (!SUSPECT_REGEXP.test(text)) return text;
  const json = text.replace(/^\ufeff/, "");
  if (!/^\s*\{/.test(json) || !isJson(json)) return text;
  return json.replace(SPECIAL_REGEXP, rewrite);
}
