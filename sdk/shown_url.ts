import { TransporterError } from "./error.ts";

/**
 * A URL as it may be shown: without what only its user knows, which is who one
 * is and the query.
 *
 * @param url A URL, or what somebody gave as one.
 */
export function shownUrl(url: URL | string): string {
  // A password that is not encoded may look like a path: of text it all goes.
  const text = typeof url === "string"
    ? url.replace(/\/\/.*@/s, "//")
    : url.href;
  const shown = URL.parse(text);
  if (shown === null) return text.replace(/[?#].*$/s, "");
  shown.username = "";
  shown.password = "";
  shown.search = "";
  return shown.href.replace(/\/$/, "");
}

/**
 * What somebody gave as a URL, as people may see it: without its password. It
 * rather hides too much than a part of a password that is not encoded.
 */
export function withoutPassword(text: string): string {
  return text.replace(/^([^:/?#]*:\/\/[^/?#:@]*):.*@/s, "$1:***@");
}

/**
 * Decodes a part of a URL, such as its password.
 *
 * @param part The part, as it stands in the URL.
 * @param url The URL, for the error, which does not show its password.
 * @throws {TransporterError} `usage` for a `%` that is not followed by the code of a character.
 */
export function decodePart(part: string, url: URL): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // The cause is left out: nobody needs it, and it is not ours what it says.
    throw new TransporterError(
      "usage",
      `Cannot use the URL "${
        shownUrl(url)
      }": write each "%" in it as "%25", and other characters that are special by their codes, too`,
    );
  }
}

/**
 * Refuses a URL whose user or password nobody could decode, before it is used:
 * whoever tries again for ever would do so.
 *
 * @throws {TransporterError} `usage`.
 */
export function checkUser(url: URL): void {
  decodePart(url.username, url);
  decodePart(url.password, url);
}
