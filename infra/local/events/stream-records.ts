import type { _Record as StreamRecord } from "@aws-sdk/client-dynamodb-streams";

/** Binary values travel as base64 text in the events of Lambda; the SDK has them as bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

/** A record as the function and its filters see it. @see https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
export function toStreamRecord(record: StreamRecord, streamArn: string, region: string) {
  const { ApproximateCreationDateTime, Keys, NewImage, OldImage, ...rest } = record.dynamodb ?? {};
  return {
    eventID: record.eventID ?? "",
    eventName: record.eventName ?? "",
    eventVersion: record.eventVersion ?? "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: region,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor((ApproximateCreationDateTime?.getTime() ?? 0) / 1_000),
      Keys: plain(Keys),
      ...(NewImage && { NewImage: plain(NewImage) }),
      ...(OldImage && { OldImage: plain(OldImage) }),
      SequenceNumber: rest.SequenceNumber ?? "",
      SizeBytes: rest.SizeBytes ?? 0,
      StreamViewType: rest.StreamViewType ?? "",
    },
    // Only deletions by TTL carry it.
    ...(record.userIdentity && {
      userIdentity: { principalId: record.userIdentity.PrincipalId, type: record.userIdentity.Type },
    }),
    eventSourceARN: streamArn,
  };
}

export type LambdaStreamRecord = ReturnType<typeof toStreamRecord>;
