/**
 * Expressions with an object each, and such as an API server does not take.
 *
 * @module
 */

type Json = Readonly<Record<string, unknown>>;

/** A policy, and an object that it judges. */
export interface PolicyCase {
  /** What it shows. */
  readonly about: string;
  /** More of the policy's spec; it is for ConfigMaps unless it says otherwise. */
  readonly spec: Json;
  /** More of the binding's; it denies unless it says otherwise. */
  readonly binding?: Json;
  /** The object. */
  readonly object: Json;
  /** Whether it is denied; it is not unless given. */
  readonly denied?: true;
}

/** A ConfigMap. */
export const MAP: Json = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "one", labels: { tier: "web" } },
  data: {
    number: "4",
    text: "hello",
    url: "https://example.com:8443/a?b=c",
    image: "registry.example.com/a:1",
  },
};

const DEPLOYMENT: Json = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [
          {
            name: "a",
            image: "registry.example.com/a:1",
            resources: { limits: { memory: "128Mi" } },
          },
          { name: "b", image: "nginx:latest" },
        ],
      },
    },
  },
};

const FOR_DEPLOYMENTS: Json = {
  matchConstraints: {
    resourceRules: [{
      apiGroups: ["apps"],
      apiVersions: ["v1"],
      operations: ["CREATE", "UPDATE"],
      resources: ["deployments"],
    }],
  },
};

function expression(
  text: string,
  { object = MAP, denied }: { object?: Json; denied?: true },
): PolicyCase {
  return {
    about: text,
    spec: {
      ...(object === DEPLOYMENT ? FOR_DEPLOYMENTS : {}),
      validations: [{ expression: text }],
    },
    object,
    ...(denied ? { denied } : {}),
  };
}

const yes = (text: string, object: Json = MAP) => expression(text, { object });
const no = (text: string, object: Json = MAP) =>
  expression(text, { object, denied: true });

/** Expressions, with an object each. */
export const EXPRESSIONS: readonly PolicyCase[] = [
  yes("object.data.text == 'hello'"),
  no("object.data.text == 'bye'"),
  no("object.data.missing == 'a'"),
  yes("has(object.data.missing) || object.data.text == 'hello'"),
  yes("!has(object.data.missing)"),
  no("int(object.data.text) > 1"),
  yes("int(object.data.number) > 3"),
  no("object.data.number > 3"),
  no("object.data.number + 1 == 5"),
  yes("object.metadata.labels.all(k, k.size() < 20)"),
  no("object.data.exists(k, k == 'nothing')"),
  yes("object.data.text.matches('^[a-z]+$')"),
  no("object.data.text.matches('^[0-9]+$')"),
  yes("object.data.text.find('l+') == 'll'"),
  yes("url(object.data.url).getPort() == '8443'"),
  no("url(object.data.text).getPort() == '8443'"),
  yes("quantity('1.5Gi').isGreaterThan(quantity('1Gi'))"),
  no("quantity(object.data.text).isInteger()"),
  yes("cidr('10.0.0.0/8').containsIP('10.1.2.3')"),
  no("ip(object.data.text).family() == 4"),
  yes("isSemver('1.2.3') && semver('1.2.3').isLessThan(semver('2.0.0'))"),
  yes("!format.dns1123Label().validate(object.data.text).hasValue()"),
  no("format.dns1123Label().validate(object.data.url) == optional.none()"),
  yes("object.data.?missing.orValue('x') == 'x'"),
  yes("object.data[?'text'].hasValue()"),
  yes("sets.contains(['hello', 'bye'], [object.data.text])"),
  yes("object.data.text in ['hello', 'bye']"),
  yes("'%s!'.format([object.data.text]) == 'hello!'"),
  yes("object.data.transformList(k, v, k).exists(k, k == 'text')"),
  yes("oldObject == null"),
  no("oldObject.data.text == 'hello'"),
  yes("namespaceObject.metadata.name == object.metadata.namespace"),
  yes("namespaceObject.metadata.labels['kubernetes.io/metadata.name'] != ''"),
  no("namespaceObject.metadata.labels.team == 'a'"),
  yes("object.apiVersion == 'v1' && object.kind == 'ConfigMap'"),
  yes("type(object.metadata.creationTimestamp) == string"),
  no(
    "object.data.all(k, object.data.all(l, object.data[k] == object.data[l]))",
  ),
  no("lists.range(1000).all(a, lists.range(1000).all(b, a + b >= 0))"),
  no("[1, 2][int(object.data.number)] == 1"),
  no("1 / (int(object.data.number) - 4) == 1"),
  no("object.data.text.substring(9) == ''"),
  yes("object.spec.replicas <= 5", DEPLOYMENT),
  no("object.spec.replicas > 5", DEPLOYMENT),
  yes("object.spec.replicas + 1 == 4", DEPLOYMENT),
  yes("object.spec.strategy.type == 'RollingUpdate'", DEPLOYMENT),
  no(
    "object.spec.template.spec.containers.all(c, c.image.startsWith('registry.example.com/'))",
    DEPLOYMENT,
  ),
  no(
    "object.spec.template.spec.containers.all(c, has(c.resources.limits))",
    DEPLOYMENT,
  ),
  yes(
    "object.spec.template.spec.containers.exists(c, has(c.resources.limits) && quantity(c.resources.limits.memory).compareTo(quantity('128Mi')) == 0)",
    DEPLOYMENT,
  ),
  yes(
    "object.spec.template.spec.containers.filter(c, c.image.endsWith(':latest')).map(c, c.name) == ['b']",
    DEPLOYMENT,
  ),
  no(
    "object.spec.template.spec.containers.all(c, c.securityContext.runAsNonRoot)",
    DEPLOYMENT,
  ),
];

function refused(text: string): Json {
  return { validations: [{ expression: text }] };
}

/** Specs of policies that an API server does not take. */
export const REFUSED_EXPRESSIONS: readonly Json[] = [
  refused("object.spec.replicas"),
  refused("'text'"),
  refused("1 + 'a' == 2"),
  refused("foo == 1"),
  refused("object.foo()"),
  refused("object.metadata.name.startsWith(1)"),
  refused("object.metadata.name.matches('(')"),
  refused("size(1) == 1"),
  refused("[1, 'a'].size() == 2"),
  refused("request.foo == 'a'"),
  refused("namespaceObject.foo == 'a'"),
  refused("variables.foo == 1"),
  refused("params.a == 1"),
  refused("cel.bind(x, 1, x == 1)"),
  refused("duration('1x') > duration('1s')"),
  refused("1 == 'a'"),
  refused("true &&"),
  refused("object.a ? true : 'a'"),
  refused("quantity('1').add('1') == quantity('2')"),
  refused("'%d'.format(['a']) == ''"),
  {
    validations: [{
      expression: "true",
      messageExpression: "object.metadata.name",
    }],
  },
  {
    validations: [{ expression: "true" }],
    matchConditions: [{ name: "a", expression: "'text'" }],
  },
  {
    validations: [{ expression: "true" }],
    matchConditions: [{ name: "a", expression: "variables.a == 1" }],
    variables: [{ name: "a", expression: "1" }],
  },
  {
    auditAnnotations: [{ key: "a", valueExpression: "1" }],
  },
];
