import { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Node } from "constructs";
import * as z from "zod";

/** Files may wait for a slot in the far future: a shorter retention would take the media of a planned post away. */
const SHORTEST_DROP_RETENTION_DAYS = 30;

const LOG_RETENTION_DAYS = Object.values(RetentionDays).filter((days) => typeof days === "number");

/** As browsers send it; whoever can change what a page of plain HTTP says could use the API as its visitors. */
const ORIGIN =
  /^(https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?|http:\/\/(localhost|127\.0\.0\.1)(:\d{1,5})?)$/;
/** More are a mistake. */
const MAX_ORIGINS = 20;

const wholeNumber = z.union([z.int(), z.string().regex(/^\d+$/, "must be a whole number").transform(Number)]);

const settingsSchema = z.strictObject({
  /**
   * Tells deployments of one account and Region apart. The default stage's stacks have no suffix.
   *
   * @default main
   */
  stage: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,19}$/, "must be 1 to 20 of a-z, 0-9 and -, and begin with a letter")
    .default("main"),

  /** @default the account of the credentials that deploy */
  account: z
    .string()
    .regex(/^\d{12}$/, "must be the 12 digits of an AWS account")
    .optional(),

  /** @default the Region of the profile or of `AWS_REGION` */
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "must be the name of a Region, such as eu-west-1")
    .optional(),

  /** Who is told by e-mail; AWS asks for a confirmation first. @default nobody: alarms show in the console only */
  alarmEmail: z.email("must be an e-mail address").optional(),

  /**
   * `essential`: every dead-letter queue, and failing requests of the API. Whatever a queue, a stream or a schedule
   * feeds ends in a dead-letter queue when it fails, so nothing is lost in silence.
   * `detailed`: also errors of each function, throttles, and the age of what waits, at $0.10 a month for each alarm
   * after the first ten of the AWS account.
   *
   * @default essential
   */
  alarms: z.enum(["essential", "detailed"]).default("essential"),

  /** @default 30 */
  logRetentionDays: wholeNumber
    .refine((days) => LOG_RETENTION_DAYS.includes(days), `must be one of ${LOG_RETENTION_DAYS.join(", ")}`)
    .default(RetentionDays.ONE_MONTH),

  /**
   * Origins whose pages may use the API from a browser: `https://console.example.com`, more of them with commas.
   *
   * @default none
   */
  corsOrigins: z
    .union([
      z.array(z.string()),
      z.string().transform((list) => list.split(",").map((origin) => origin.trim())),
    ])
    .pipe(
      z
        .array(
          z
            .string()
            .regex(
              ORIGIN,
              "must be origins such as https://console.example.com: no path, no slash at the end, and https but for localhost",
            ),
        )
        .max(MAX_ORIGINS),
    )
    .default([]),

  /** Dropped files are deleted after this many days. @default never: they belong to whoever dropped them */
  dropRetentionDays: wholeNumber
    .refine(
      (days) => days >= SHORTEST_DROP_RETENTION_DAYS,
      `must be at least ${SHORTEST_DROP_RETENTION_DAYS}`,
    )
    .optional(),
});

export type Settings = Readonly<z.output<typeof settingsSchema>>;

export const SETTING_NAMES: readonly string[] = Object.keys(settingsSchema.shape);

/** A setting is wrong; the message has one line for each, with what would be right. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/**
 * Reads the settings of a stage from the CDK context (`-c stage=prod`, or `context` in `cdk.json`).
 *
 * Plain words are ours and must be known, so that a misspelt setting does not pass for a default; CDK's own context
 * keys are namespaced (`@aws-cdk/…`, `aws:cdk:…`) and are left alone.
 *
 * @throws SettingsError that names every wrong or unknown setting
 */
export function readSettings(node: Node): Settings {
  const context: Record<string, unknown> = node.getAllContext();
  const ours = Object.fromEntries(Object.entries(context).filter(([key]) => /^[a-zA-Z]+$/.test(key)));
  const parsed = settingsSchema.safeParse(ours);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => `${key}: unknown; known are ${SETTING_NAMES.join(", ")}`)
      : [`${issue.path.join(".")}: ${issue.message}`],
  );
  throw new SettingsError(`These settings (-c name=value) are wrong:\n  ${problems.join("\n  ")}`);
}
