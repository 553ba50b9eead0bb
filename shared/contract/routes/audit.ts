import { auditPage, auditVerification, listAuditQuery, verifyAuditQuery } from "../audit-view.ts";
import { none, type RouteShape } from "./route-shape.ts";

const AUDIT = "/api/v1/audit";

export const AUDIT_ROUTES = {
  listAudit: {
    method: "GET",
    path: AUDIT,
    summary: "Lists changes and denials, newest first.",
    scope: "admin",
    repeatable: true,
    paged: true,
    params: none,
    notFound: "route-not-found",
    query: listAuditQuery,
    answers: { 200: auditPage },
    problems: ["invalid-cursor"],
  },
  verifyAudit: {
    method: "GET",
    path: `${AUDIT}/verify`,
    summary: "Recomputes the chains of the audit log step by step, and names the first entry that is wrong.",
    scope: "admin",
    repeatable: true,
    paged: true,
    params: none,
    notFound: "route-not-found",
    query: verifyAuditQuery,
    answers: { 200: auditVerification },
    problems: ["invalid-cursor"],
  },
} as const satisfies Record<string, RouteShape>;
