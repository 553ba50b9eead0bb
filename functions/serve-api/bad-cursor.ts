const DETAIL = "Send `next` of the page before, with the same filters; or none, for the first page.";

/** A position that the list does not have. */
export const badCursor = {
  problem: "invalid-cursor",
  detail: DETAIL,
  errors: [{ parameter: "cursor", detail: DETAIL }],
} as const;
