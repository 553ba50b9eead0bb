import type { SQSBatchResponse } from "aws-lambda";
import * as z from "zod";
import { runBatch } from "#functions/middleware/record-batch.ts";
import type { FunctionLogger } from "#functions/middleware/task-messages.ts";
import { parseDropKey } from "#shared/domain/drop-key.ts";
import { MEDIA_PREFIX } from "#shared/domain/stored-media.ts";
import { MalformedMessageFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { AcceptDrop, IntakeMessage } from "#shared/usecases/accept-drop.ts";
import type { AcceptUpload, UploadedObject } from "#shared/usecases/accept-upload.ts";

/** Records worked on at the same time: digests of media share one processor and one connection. */
const CONCURRENCY = 5;
/** What is left of an invocation when a scan stops. */
const RESERVE_MS = 20_000;

export interface AcceptDropHandlerDeps {
  readonly acceptDrop: AcceptDrop;
  readonly acceptUpload: AcceptUpload;
  readonly clock: Pick<Clock, "now">;
  readonly logger: FunctionLogger;
}

const queueEvent = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

type Intake = IntakeMessage | ({ readonly kind: "upload" } & UploadedObject);

/**
 * The bucket's own event, as the rule puts it into the queue. Its key is plain text, unlike in S3 notifications, and its
 * ETag has no quotes.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
const objectCreated = z
  .object({
    "detail-type": z.literal("Object Created"),
    detail: z.object({
      object: z.object({ key: z.string(), etag: z.string().min(1), size: z.int().nonnegative() }),
    }),
  })
  .transform(({ detail: { object } }): Intake => {
    const { key, etag, size } = object;
    return key.startsWith(MEDIA_PREFIX)
      ? { kind: "upload", key, etag: `"${etag}"`, sizeBytes: size }
      : { kind: "file", key };
  });

const intakeMessage = z.union([
  objectCreated,
  z.object({ kind: z.literal("settle"), project: z.string(), base: z.string() }),
  z.object({ kind: z.literal("scan"), project: z.string() }),
]) satisfies z.ZodType<Intake>;

/** @throws MalformedMessageFault for a body that nobody can have sent */
function readMessage(body: string): Intake {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch (error) {
    throw new MalformedMessageFault("an intake message is no JSON", { cause: error });
  }
  const parsed = intakeMessage.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new MalformedMessageFault("an intake message is neither a created object nor one of ours");
}

/** Messages about the same post follow each other: the second finds what the first decided. */
function groupOf(body: string): string {
  try {
    const message = readMessage(body);
    if (message.kind === "scan") return message.project;
    if (message.kind === "settle") return `${message.project}/${message.base}`;
    if (message.kind === "upload") return message.key;
    const parsed = parseDropKey(message.key);
    return parsed.ok ? `${parsed.value.project}/${parsed.value.base}` : message.key;
  } catch {
    return body;
  }
}

/** Takes created objects and our own messages from the intake queue. A message that fails does not stop the others. */
export const createHandler =
  ({ acceptDrop, acceptUpload, clock, logger }: AcceptDropHandlerDeps) =>
  async (event: unknown, context: { getRemainingTimeInMillis(): number }): Promise<SQSBatchResponse> => {
    const deadline = new Date(clock.now().getTime() + context.getRemainingTimeInMillis() - RESERVE_MS);
    const { Records } = queueEvent.parse(event);
    const { batchItemFailures } = await runBatch(
      Records,
      {
        idOf: ({ messageId }) => messageId,
        groupOf: ({ body }) => groupOf(body),
        concurrency: CONCURRENCY,
        logger,
      },
      async ({ messageId, body }) => {
        const message = readMessage(body);
        if (message.kind === "upload") {
          const { key } = message;
          logger.info("upload looked at", { messageId, key, report: await acceptUpload(message) });
          return;
        }
        const report = await acceptDrop(message, deadline);
        // Not `message`: the logger keeps that name for its own text.
        logger.info("drop looked at", { messageId, intake: message, report });
      },
    );
    return { batchItemFailures: [...batchItemFailures] };
  };
