import { Rule } from "aws-cdk-lib/aws-events";
import { Construct } from "constructs";
import type { DropBucket } from "#infra/constructs/drop-bucket.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";

export interface DropEventsProps {
  readonly bucket: DropBucket;
  readonly intake: WorkQueue;
}

/** Every object that comes into being under `drop/` or `media/` becomes a message. Outcomes do not: they lie elsewhere. */
export class DropEvents extends Construct {
  constructor(scope: Construct, id: string, { bucket, intake }: DropEventsProps) {
    super(scope, id);
    const rule = new Rule(this, "Rule", {
      description: "Files that were dropped or uploaded",
      eventPattern: {
        source: ["aws.s3"],
        detailType: ["Object Created"],
        detail: {
          bucket: { name: [bucket.name] },
          object: { key: [{ prefix: "drop/" }, { prefix: "media/" }] },
        },
      },
    });
    intake.receive(rule);
  }
}
