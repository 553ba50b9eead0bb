// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is the syntax of Fn::Sub
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";

const policy = (...Statement: Readonly<Record<string, unknown>>[]) => ({ Version: "2012-10-17", Statement });
const arnOf = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });

/** A stack that uses every service behind the gateway; `Worker` may do something in each, and not everything. */
export const smallTemplate = () => ({
  Resources: {
    Worker: {
      Type: "AWS::Lambda::Function",
      Properties: {
        Code: { S3Bucket: "assets", S3Key: "abc.zip" },
        Handler: "index.handler",
        Runtime: "nodejs24.x",
        Role: arnOf("WorkerRole"),
      },
    },
    WorkerRole: {
      Type: "AWS::IAM::Role",
      Properties: {
        AssumeRolePolicyDocument: policy({
          Effect: "Allow",
          Principal: { Service: "lambda.amazonaws.com" },
          Action: "sts:AssumeRole",
        }),
        Policies: [
          {
            PolicyName: "work",
            PolicyDocument: policy(
              {
                Effect: "Allow",
                Action: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                Resource: arnOf("Tasks"),
              },
              {
                Effect: "Allow",
                Action: "dynamodb:Query",
                Resource: { "Fn::Sub": "${Tasks.Arn}/index/byOwner" },
              },
              {
                Effect: "Allow",
                Action: ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"],
                Resource: { "Fn::GetAtt": ["Tasks", "StreamArn"] },
              },
              { Effect: "Allow", Action: ["sqs:SendMessage", "sqs:ReceiveMessage"], Resource: arnOf("Jobs") },
              {
                Effect: "Allow",
                Action: ["s3:GetObject", "s3:PutObject"],
                Resource: { "Fn::Sub": "${Drops.Arn}/drop/*" },
              },
              {
                Effect: "Allow",
                Action: ["kms:GenerateDataKey", "kms:Decrypt"],
                Resource: arnOf("Key"),
                Condition: { StringEquals: { "kms:EncryptionContext:accountId": "main" } },
              },
              { Effect: "Allow", Action: "scheduler:CreateSchedule", Resource: "*" },
            ),
          },
        ],
      },
    },
    Tasks: {
      Type: "AWS::DynamoDB::Table",
      Properties: {
        TableName: "tasks",
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          { AttributeName: "sk", AttributeType: "S" },
          { AttributeName: "owner", AttributeType: "S" },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: "byOwner",
            KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }],
            Projection: { ProjectionType: "ALL" },
          },
        ],
        BillingMode: "PAY_PER_REQUEST",
        StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
        TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
      },
    },
    Jobs: {
      Type: "AWS::SQS::Queue",
      Properties: {
        QueueName: "jobs",
        VisibilityTimeout: 60,
        RedrivePolicy: { deadLetterTargetArn: arnOf("Dead"), maxReceiveCount: 5 },
      },
    },
    Dead: { Type: "AWS::SQS::Queue", Properties: { QueueName: "dead", MessageRetentionPeriod: 1_209_600 } },
    Drops: { Type: "AWS::S3::Bucket", Properties: { BucketName: "drops" } },
    Key: {
      Type: "AWS::KMS::Key",
      Properties: {
        KeyPolicy: policy({
          Effect: "Allow",
          Principal: { AWS: { "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root" } },
          Action: "kms:*",
          Resource: "*",
        }),
      },
    },
    SchedulerRole: {
      Type: "AWS::IAM::Role",
      Properties: {
        AssumeRolePolicyDocument: policy({
          Effect: "Allow",
          Principal: { Service: "scheduler.amazonaws.com" },
          Action: "sts:AssumeRole",
        }),
      },
    },
  },
});

/** SDK clients that talk to the gateway in somebody's name, without repeats that would hide an answer. */
export function clientsOf(gatewayUrl: string, caller: string) {
  const settings = {
    endpoint: gatewayUrl,
    region: "eu-central-1",
    credentials: { accessKeyId: caller, secretAccessKey: "none" },
    maxAttempts: 1,
  };
  const clients = {
    dynamoDb: new DynamoDBClient(settings),
    streams: new DynamoDBStreamsClient(settings),
    kms: new KMSClient(settings),
    s3: new S3Client(settings),
    scheduler: new SchedulerClient(settings),
    sqs: new SQSClient(settings),
  };
  return {
    ...clients,
    [Symbol.dispose]: () => {
      for (const client of Object.values(clients)) {
        client.destroy();
      }
    },
  };
}
