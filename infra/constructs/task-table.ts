import { RemovalPolicy } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  type CfnTable,
  ProjectionType,
  StreamViewType,
  Table,
} from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import type { Grantee } from "#infra/constructs/grantee.ts";

/** What a function may do with items. There is no `Scan`: its cost grows with the table, and an index serves every list. */
export type ItemAction = "GetItem" | "PutItem" | "UpdateItem" | "Query" | "BatchGetItem" | "BatchWriteItem";

/** Key attributes are `<prefix>Pk` and `<prefix>Sk`. An item without them is not in the index. */
const INDEXES = {
  byStatus: { prefix: "status", projection: ProjectionType.ALL },
  byProject: { prefix: "project", projection: ProjectionType.ALL },
  byAccount: { prefix: "account", projection: ProjectionType.ALL },
  byOwner: { prefix: "owner", projection: ProjectionType.ALL },
  // Only the sweeper reads it, and re-reads each item before it acts: every wakeAt is a write here, so keep it small.
  wake: { prefix: "wake", projection: ProjectionType.KEYS_ONLY },
} as const;

export type IndexName = keyof typeof INDEXES;

/**
 * The one table. On demand, restorable to any second of the last 35 days, and not deletable by a deploy.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
 */
export class TaskTable extends Construct {
  private readonly table: Table;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.table = new Table(this, "Table", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // The stream tells old from new, so that a move of a task can be seen.
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      timeToLiveAttribute: "expiresAt",
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const [indexName, { prefix, projection }] of Object.entries(INDEXES)) {
      this.table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: { name: `${prefix}Pk`, type: AttributeType.STRING },
        sortKey: { name: `${prefix}Sk`, type: AttributeType.STRING },
        projectionType: projection,
      });
    }
    // Independent of where the construct stands: a new logical id would be a new, empty table.
    (this.table.node.defaultChild as CfnTable).overrideLogicalId("TaskTable");
  }

  get name(): string {
    return this.table.tableName;
  }

  /** Every change of every item, old and new, for a day. */
  get streamArn(): string {
    const arn = this.table.tableStreamArn;
    if (arn === undefined) throw new Error("the table has no stream");
    return arn;
  }

  /** Lets it do these things with items, and query these indexes. Writes in a transaction need the plain actions. */
  allowItems(grantee: Grantee, actions: readonly ItemAction[], indexes: readonly IndexName[] = []): void {
    grantee.allow({
      sid: "Items",
      actions: actions.map((action) => `dynamodb:${action}`),
      resources: [this.table.tableArn],
    });
    if (indexes.length === 0) return;
    grantee.allow({
      sid: "Indexes",
      actions: ["dynamodb:Query"],
      resources: indexes.map((index) => `${this.table.tableArn}/index/${index}`),
    });
  }

  /** Lets Lambda's poller read the stream for it. */
  allowStream(grantee: Grantee): void {
    grantee.allow({
      sid: "Stream",
      actions: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
      resources: [this.streamArn],
    });
    grantee.allow({
      sid: "FindStream",
      actions: ["dynamodb:ListStreams"],
      resources: ["*"],
      wildcard: {
        finding: "Resource::*",
        reason:
          "IAM knows no resource for ListStreams, and Lambda asks for it. It tells the names of streams only.",
      },
    });
  }
}
