import * as z from "zod";

const MAX_PAGE = 100;

/** Items of a page. */
export const limitField = z
  .string()
  .regex(/^\d{1,3}$/, "write a whole number")
  .default("20")
  .transform(Number)
  .pipe(z.int().min(1).max(MAX_PAGE));

/**
 * Where a page starts. On the wire it is sealed: the router opens it before it looks at the query, so what comes out is
 * what the use case has given as `next`.
 */
export const cursorField = z
  .string()
  .min(1)
  .max(1_000)
  .meta({ description: "`next` of the page before, with the same filters." });

/** Cursor of the next page; absent on the last one. */
export const nextField = z.string().optional();
