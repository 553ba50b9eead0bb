import type { KeyScope } from "./api-key.ts";

/** What people are to a tenant, from least to most. */
export const ROLES = ["viewer", "editor", "publisher", "manager", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** A role is a set of scopes and nothing else: each includes the ones before it. */
export const ROLE_SCOPES: Readonly<Record<Role, readonly KeyScope[]>> = {
  viewer: ["read"],
  editor: ["read", "write"],
  publisher: ["read", "write", "publish"],
  manager: ["read", "write", "publish", "manage"],
  admin: ["admin"],
};
