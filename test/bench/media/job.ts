import * as z from "zod";

export const fileSchema = z.object({
  key: z.string(),
  etag: z.string(),
  sizeBytes: z.int(),
  sha256: z.string(),
});
export const storeSchema = z.object({ endpoint: z.string(), region: z.string(), bucket: z.string() });

/** Where X reads what it is sent and throws it away. */
export const DISCARD_PATH = "/2/discard";

/** The three ways that are compared. */
export const KINDS = ["punctual", "library", "copy"] as const;
export type Kind = (typeof KINDS)[number];

export const jobSchema = z.object({
  kind: z.enum(KINDS),
  file: fileSchema,
  /** Transferred before, uncounted, so that the code is loaded as in a function that is warm. */
  warmUp: fileSchema,
  store: storeSchema,
  /** Address of X. */
  x: z.string(),
  login: z.object({
    kind: z.literal("oauth1"),
    apiKey: z.string(),
    apiSecret: z.string(),
    accessToken: z.string(),
    accessSecret: z.string(),
  }),
});
export type Job = z.infer<typeof jobSchema>;

export const reportSchema = z.object({
  /** From the first request to the last answer, in a warm process. */
  ms: z.number(),
  /** Before anything was transferred. */
  idleMiB: z.number(),
  peakMiB: z.number(),
  mediaId: z.string().optional(),
});
export type WorkerReport = {
  -readonly [Key in keyof z.infer<typeof reportSchema>]: z.infer<typeof reportSchema>[Key];
};
