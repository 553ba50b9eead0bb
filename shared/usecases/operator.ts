import type { OwnerId } from "#shared/domain/ids.ts";
import { FIRST_OWNER } from "./connect-account.ts";

/** Settings and dead letters are the deployment's, and the deployment is whoever set it up. */
export const isOperator = (ownerId: OwnerId): boolean => ownerId === FIRST_OWNER;
