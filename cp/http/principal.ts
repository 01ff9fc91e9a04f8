/** Who asks, while nobody can say who they are: until there is access control, this is the one place that says so. */
export const PRINCIPAL = "anonymous";
