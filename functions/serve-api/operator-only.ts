/** How everybody but the deployment's first owner is answered. */
export const OPERATOR_ONLY = {
  problem: "operator-only",
  detail: "This belongs to the deployment: only keys of its first owner may do it.",
} as const;
