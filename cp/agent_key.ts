/** The key of an agent in a map of those of all tenants: it begins with that of its tenant's agent `""`. */
export function agentKey(tenant: string, agent: string): string {
  return `${tenant}\n${agent}`;
}
