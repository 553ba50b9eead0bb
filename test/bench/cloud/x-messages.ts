/** What the bench and its X, a process of its own, say to each other. */
import * as z from "zod";

export const startSchema = z.object({ accounts: z.int().positive() });

const postSchema = z.object({
  text: z.string(),
  /** The head of the request had arrived, in ms since 1970. */
  arrivedAtMs: z.number(),
});
export type ArrivedPost = z.infer<typeof postSchema>;

export const arrivalsSchema = z.object({
  posts: z.array(postSchema),
  /** Requests to post that X answered with anything but 201. */
  refused: z.int(),
});
export type Arrivals = z.infer<typeof arrivalsSchema>;
