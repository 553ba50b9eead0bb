import { randomBytes } from "node:crypto";
import * as z from "zod";
import type { ObjectChange } from "../gateway/service.ts";
import { cfnBoolean } from "../services/properties.ts";
import type { Assembly } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";

const bucketProperties = z.object({
  NotificationConfiguration: z
    .strictObject({
      EventBridgeConfiguration: z.strictObject({ EventBridgeEnabled: cfnBoolean.default(true) }).optional(),
    })
    .optional(),
});

/** Sequencers of one key grow, also over restarts: microseconds in hexadecimal, then a counter. */
let counter = 0;
const sequencer = (): string => {
  counter = (counter + 1) % 0x1_0000;
  return (
    (Date.now() * 1_000).toString(16).toUpperCase().padStart(14, "0") +
    counter.toString(16).toUpperCase().padStart(4, "0")
  );
};

/**
 * Turns changes of objects into S3's events for EventBridge. Unlike in S3's older notifications, keys are not
 * URL-encoded.
 *
 * @returns undefined for a change in a bucket that does not send events to EventBridge.
 * @throws TemplateFault for a bucket with other notifications: they would be lost here.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
export function createObjectEvents(assembly: Assembly) {
  const enabled = new Map<string, string>();
  for (const bucket of assembly.ofType("AWS::S3::Bucket")) {
    const parsed = bucketProperties.safeParse(bucket.properties);
    if (!parsed.success) {
      throw new TemplateFault(
        bucket.stack,
        bucket.logicalId,
        "only EventBridge notifications of a bucket run here",
      );
    }
    const { EventBridgeConfiguration } = parsed.data.NotificationConfiguration ?? {};
    if (EventBridgeConfiguration?.EventBridgeEnabled) enabled.set(bucket.physicalId, bucket.arn);
  }

  return (change: ObjectChange) => {
    const bucketArn = enabled.get(change.bucket);
    if (bucketArn === undefined) return undefined;
    const request = {
      "request-id": randomBytes(8).toString("hex").toUpperCase(),
      requester: assembly.accountId,
      "source-ip-address": "127.0.0.1",
      reason: change.reason,
    };
    const { key, sizeBytes, etag } = change;
    const base = { version: "0", bucket: { name: change.bucket } };
    return change.kind === "created"
      ? {
          bucketArn,
          detailType: "Object Created",
          detail: { ...base, object: { key, size: sizeBytes, etag, sequencer: sequencer() }, ...request },
        }
      : {
          bucketArn,
          detailType: "Object Deleted",
          detail: {
            ...base,
            object: { key, sequencer: sequencer() },
            ...request,
            "deletion-type": "Permanently Deleted",
          },
        };
  };
}
