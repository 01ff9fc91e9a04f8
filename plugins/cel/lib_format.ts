import { traversal } from "./meter.ts";
import { always, declare, type Overload } from "./overload.ts";
import { readMoment } from "./time.ts";
import { CelError, CelValue, lengthOf, NONE, Optional } from "./value.ts";

const TYPE = "kubernetes.NamedFormat";

/** How a text has to look. */
class Format extends CelValue {
  readonly kind = TYPE;
  constructor(
    readonly name: string,
    readonly regexSize: number,
    readonly problems: (text: string) => string[],
  ) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Format && other.name === this.name;
  }
}

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_MESSAGE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035_MESSAGE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const NAME_MESSAGE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const VALUE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** Whether a text is one of names that are joined by dots; in one pass, whatever it is. */
function isSubdomain(text: string): boolean {
  return text.split(".").every((each) => isLabel(each));
}

function isLabel(text: string): boolean {
  return /^[-a-z0-9]+$/.test(text) && !text.startsWith("-") &&
    !text.endsWith("-");
}

function isName(text: string): boolean {
  return /^[-A-Za-z0-9_.]+$/.test(text) && /^[A-Za-z0-9]/.test(text) &&
    /[A-Za-z0-9]$/.test(text);
}

function regexError(message: string, regex: string, ...examples: string[]) {
  const shown = examples.map((each) => `'${each}'`).join(", or ").replace(
    /, or (?=.*, or )/g,
    ",  or ",
  );
  return `${message} (e.g. ${shown}, regex used for validation is '${regex}')`;
}

function tooLong(text: string, max: number): string[] {
  return new TextEncoder().encode(text).length > max
    ? [`must be no more than ${max} bytes`]
    : [];
}

function label(text: string): string[] {
  if (isLabel(text)) return tooLong(text, 63);
  return [
    ...tooLong(text, 63),
    isSubdomain(text)
      ? "must not contain dots"
      : regexError(LABEL_MESSAGE, LABEL, "my-name", "123-abc"),
  ];
}

function subdomain(text: string): string[] {
  const wrong = regexError(SUBDOMAIN_MESSAGE, SUBDOMAIN, "example.com");
  return [...tooLong(text, 253), ...(isSubdomain(text) ? [] : [wrong])];
}

function label1035(text: string): string[] {
  const wrong = regexError(
    LABEL_1035_MESSAGE,
    LABEL_1035,
    "my-name",
    "abc-123",
  );
  const isRight = isLabel(text) && /^[a-z]/.test(text);
  return [...tooLong(text, 63), ...(isRight ? [] : [wrong])];
}

/** A name that something is still put behind may end with a dash. */
function unfinished(text: string): string {
  return text.length > 1 && text.endsWith("-") ? `${text.slice(0, -1)}a` : text;
}

function qualifiedName(text: string): string[] {
  const parts = text.split("/");
  const name = parts.at(-1) ?? "";
  const wrong = regexError(NAME_MESSAGE, NAME, "MyName", "my.name", "123-abc");
  if (parts.length > 2) {
    return [
      `a qualified name ${wrong} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const prefix = parts.length === 2 ? parts[0]! : undefined;
  return [
    ...(prefix === ""
      ? ["prefix part must be non-empty"]
      : prefix === undefined
      ? []
      : subdomain(prefix).map((each) => `prefix part ${each}`)),
    ...(name === "" ? ["name part must be non-empty"] : []),
    ...tooLong(name, 63).map((each) => `name part ${each}`),
    ...(isName(name) ? [] : [`name part ${wrong}`]),
  ];
}

function labelValue(text: string): string[] {
  const wrong = regexError(
    VALUE_MESSAGE,
    VALUE,
    "MyValue",
    "my_value",
    "12345",
  );
  return [
    ...tooLong(text, 63),
    ...(text === "" || isName(text) ? [] : [wrong]),
  ];
}

function uri(text: string): string[] {
  const isRight = text.startsWith("/") || /^[a-z][a-z0-9+.-]*:/i.test(text);
  return isRight
    ? []
    : [`parse ${JSON.stringify(text)}: invalid URI for request`];
}

function uuid(text: string): string[] {
  return /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
      .test(text)
    ? []
    : ["does not match the UUID format"];
}

function byte(text: string): string[] {
  const isRight = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return isRight ? [] : ["invalid base64"];
}

function isMoment(text: string): boolean {
  try {
    readMoment(text);
    return true;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return false;
  }
}

function date(text: string): string[] {
  return isMoment(`${text}T00:00:00Z`) ? [] : ["invalid date"];
}

function datetime(text: string): string[] {
  return isMoment(text.toUpperCase()) ? [] : ["invalid datetime"];
}

const FORMATS: Readonly<Record<string, Format>> = {
  dns1123Label: new Format("DNS1123Label", 30, label),
  dns1123Subdomain: new Format("DNS1123Subdomain", 60, subdomain),
  dns1035Label: new Format("DNS1035Label", 30, label1035),
  qualifiedName: new Format("QualifiedName", 60, qualifiedName),
  dns1123LabelPrefix: new Format(
    "DNS1123LabelPrefix",
    30,
    (text) => label(unfinished(text)),
  ),
  dns1123SubdomainPrefix: new Format(
    "DNS1123SubdomainPrefix",
    60,
    (text) => subdomain(unfinished(text)),
  ),
  dns1035LabelPrefix: new Format(
    "DNS1035LabelPrefix",
    30,
    (text) => label1035(unfinished(text)),
  ),
  labelValue: new Format("LabelValue", 40, labelValue),
  uri: new Format("URI", 1103, uri),
  uuid: new Format("uuid", 72, uuid),
  byte: new Format("byte", 84, byte),
  date: new Format("date", 72, date),
  datetime: new Format("datetime", 72, datetime),
};

/** Kubernetes' own formats of names and values. */
export const formats: readonly Overload[] = [
  ...Object.entries(FORMATS).map(([name, format]) =>
    declare(`format.${name}(): ${TYPE}`, () => format)
  ),
  declare(
    `format.named(string): optional_type<${TYPE}>`,
    (name: string) =>
      Object.hasOwn(FORMATS, name) ? new Optional(FORMATS[name]) : NONE,
    always(() => 1),
  ),
  declare(
    `${TYPE}@validate(string): optional_type<list<string>>`,
    ({ problems }: Format, text: string) => {
      const found = problems(text);
      return found.length === 0 ? NONE : new Optional(found);
    },
    always(({ regexSize }: Format, text: string) =>
      traversal(1 + lengthOf(text)) * traversal(regexSize, 0.25)
    ),
  ),
];
