import { ANY_ACCOUNT } from "./account-pool.ts";

/** Of projects, sources and accounts: they go into keys, folders and addresses. */
export const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const isName = (name: string): boolean => NAME_PATTERN.test(name);

/** `any` stands for all accounts of a project, so none can be called that. */
export const isAccountName = (name: string): boolean => isName(name) && name !== ANY_ACCOUNT;
