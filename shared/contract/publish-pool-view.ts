import * as z from "zod";
import { nameField } from "#shared/domain/post-fields.ts";
import { cursorField, limitField } from "./paging.ts";

export const listPoolQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.optional(),
  project: nameField.optional(),
});

export const poolStatsQuery = z.strictObject({ project: nameField.optional() });

const count = (description: string) => z.int().nonnegative().meta({ description });

/** How many tasks of the owner, or of one project, are where. Follows the tasks by about a second. */
export const poolStatsView = z.strictObject({
  total: count("The sum of the others. Cancelled tasks are in none of them."),
  pending: count(
    "Still to be published: `draft`, `pending`, `preparing`, `ready` and `retrying`, and `held`, which waits for a person.",
  ),
  publishing: count("On the way to X: `posting`, and `unknown` until it is known what became of it."),
  published: count("On X: `published`."),
  failed: count("Not published, and will not be: `failed` and `missed`."),
  complete: z.boolean().meta({
    description:
      "False: there may be more. A count stops after 10 MB of a project's tasks in one status, about 7,000 of them.",
  }),
});
