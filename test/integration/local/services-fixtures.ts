import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { build } from "esbuild";
import { operatorId } from "#infra/local/gateway/caller.ts";
import { openGateway } from "#infra/local/gateway/gateway.ts";
import type { ObjectChange, Service } from "#infra/local/gateway/service.ts";
import { createUnkindness } from "#infra/local/gateway/unkindness.ts";
import { type Access, type AccessRequest, createAccess } from "#infra/local/iam/access.ts";
import { gatewayClient, sqsClient } from "#infra/local/services/clients.ts";
import { keyIdOf } from "#infra/local/services/kms.ts";
import { createBuckets } from "#infra/local/stores/buckets.ts";
import { startDynamoDb } from "#infra/local/stores/dynamodb-process.ts";
import { startFauxqs } from "#infra/local/stores/fauxqs-server.ts";
import { createQueues } from "#infra/local/stores/queues.ts";
import { createTables } from "#infra/local/stores/tables.ts";
import type { Assembly, Resource } from "#infra/local/template/assembly.ts";

export const REGION = "eu-central-1";
export const ACCOUNT = "000000000000";

/** A temporary folder that is gone after `await using`. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "punctual-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Waits for a condition, never for a time. */
export async function until<Value>(
  what: string,
  probe: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = 15_000,
): Promise<Value> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export type PartialResource = Pick<Resource, "logicalId" | "type"> & Partial<Resource>;

export const arnOf = (service: string, resource: string): string =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** An assembly without a template: what a test is about, and nothing else. */
export function assemblyOf(parts: readonly PartialResource[], assets: Record<string, string> = {}): Assembly {
  const resources = parts.map((part) => ({
    stack: "TestStack",
    properties: {},
    physicalId: part.logicalId,
    arn: "",
    ...part,
  }));
  return {
    resources,
    region: REGION,
    accountId: ACCOUNT,
    outputs: {},
    ofType: (type) => resources.filter((resource) => resource.type === type),
    byArn: (arn) => resources.find((resource) => resource.arn !== "" && resource.arn === arn),
    byLogicalId: (id) => resources.find(({ logicalId }) => logicalId === id),
    assetPath: ({ logicalId }) => {
      const path = assets[logicalId];
      if (path === undefined) throw new Error(`no asset for ${logicalId}`);
      return path;
    },
  };
}

export const aFunction = (logicalId: string, properties: Record<string, unknown> = {}): PartialResource => ({
  logicalId,
  type: "AWS::Lambda::Function",
  physicalId: `${logicalId}-name`,
  arn: arnOf("lambda", `function:${logicalId}-name`),
  properties: { Handler: "index.handler", Runtime: "nodejs24.x", Timeout: 10, ...properties },
});

export const aQueue = (
  logicalId: string,
  endpoint: string,
  name = `${logicalId}-queue`,
): PartialResource => ({
  logicalId,
  type: "AWS::SQS::Queue",
  physicalId: `${endpoint}/${ACCOUNT}/${name}`,
  arn: arnOf("sqs", name),
});

/** Bundles handlers as they are bundled for a deploy, one folder each; answers logical id → folder. */
export async function bundleHandlers(
  folder: string,
  sources: Record<string, string>,
): Promise<Record<string, string>> {
  const assets: Record<string, string> = {};
  for (const [logicalId, source] of Object.entries(sources)) {
    const target = join(folder, logicalId);
    await mkdir(target, { recursive: true });
    await writeFile(join(target, "source.ts"), source);
    await build({
      // The SDK of this repository, although the handler lies in a temporary folder.
      nodePaths: [join(process.cwd(), "node_modules")],
      entryPoints: [join(target, "source.ts")],
      outfile: join(target, "index.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node24",
      mainFields: ["module", "main"],
      sourcemap: true,
    });
    assets[logicalId] = target;
  }
  return assets;
}

/** Allows everything except what the test refuses; remembers what was asked. */
export function fakeAccess(refuse: (request: AccessRequest) => boolean = () => false) {
  const asked: AccessRequest[] = [];
  const access: Access = {
    async check(request) {
      asked.push(request);
      return refuse(request)
        ? { allowed: false, message: `no statement allows ${request.action}` }
        : { allowed: true };
    },
    used: () => [],
  };
  return { access, asked };
}

export interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: string;
}

/** A role that a service may take, with one inline policy. */
export const aRole = (
  logicalId: string,
  service: string,
  statements: readonly Statement[],
): PartialResource => ({
  logicalId,
  type: "AWS::IAM::Role",
  arn: `arn:aws:iam::${ACCOUNT}:role/${logicalId}`,
  properties: {
    AssumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
    },
    Policies: [
      {
        PolicyName: "own",
        PolicyDocument: {
          Version: "2012-10-17",
          Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
        },
      },
    ],
  },
});

/** What Lambda needs to poll a queue. */
export const queueRights = (queueArn: string): Statement => ({
  Action: [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
  ],
  Resource: queueArn,
});

export interface TestCloudOptions {
  /** Resources by the gateway's address, which queue URLs need. */
  readonly resources: (endpoint: string) => readonly PartialResource[];
  readonly assets?: Record<string, string>;
  /** Starts DynamoDB Local too. @default false */
  readonly tables?: boolean;
}

/** Real gateway, real rights, real queues, objects and tables in memory; the test starts what it is about. */
export async function startTestCloud({ resources, assets = {}, tables = false }: TestCloudOptions) {
  const gateway = await openGateway(0);
  const assembly = assemblyOf(resources(gateway.url), assets);
  const fauxqs = await startFauxqs({ region: REGION });
  const fauxqsUrl = `http://127.0.0.1:${fauxqs.port}`;
  const dynamoDb = tables ? await startDynamoDb() : undefined;
  const dynamoDbUrl = `http://127.0.0.1:${dynamoDb?.port ?? 9}`;
  await createQueues(assembly, fauxqsUrl);
  await createBuckets(assembly, fauxqsUrl);
  const streams = dynamoDb ? await createTables(assembly, dynamoDbUrl) : new Map<string, string>();

  const access = createAccess(assembly);
  const faults: Error[] = [];
  const changes: ObjectChange[] = [];
  let onObjectChange = (change: ObjectChange): void => void changes.push(change);
  const closers: (() => Promise<void>)[] = [];
  const absent: Service = async () => ({ status: 501, headers: {}, body: "" });
  let scheduler: Service = absent;
  let kms: Service = absent;
  const keys = assembly.ofType("AWS::KMS::Key");
  const keyArn = (id: string | undefined) =>
    keys.find(({ physicalId, arn }) => id === physicalId || id === arn)?.arn;
  gateway.serve({
    assembly,
    access,
    stores: { dynamoDbUrl, fauxqsUrl, streams },
    scheduler: (request) => scheduler(request),
    kms: (request) => kms(request),
    keyNames: { resolve: keyArn, ofCiphertext: (ciphertext) => keyArn(keyIdOf(ciphertext)) },
    unkindness: createUnkindness(() => 0),
    crash: () => {},
    onRefusal: () => {},
    onObjectChange: (change) => onObjectChange(change),
    now: Date.now,
  });
  const identity = { gatewayUrl: gateway.url, region: REGION };
  const sqs = sqsClient({ ...identity, caller: operatorId });

  return {
    assembly,
    access,
    gatewayUrl: gateway.url,
    sqs,
    /** Client settings in somebody's name. */
    as: (caller: string) => gatewayClient({ ...identity, caller }),
    faults,
    onFault: (fault: Error) => void faults.push(fault),
    useScheduler: (service: Service) => {
      scheduler = service;
    },
    useKms: (service: Service) => {
      kms = service;
    },
    onObjectChange: (listener: (change: ObjectChange) => void) => {
      onObjectChange = listener;
    },
    /** Closed before the stores, last one first. */
    using: <Part extends { close(): Promise<void> }>(part: Part): Part => {
      closers.push(() => part.close());
      return part;
    },
    async send(queueId: string, body: unknown): Promise<void> {
      const QueueUrl = assembly.byLogicalId(queueId)?.physicalId;
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));
    },
    /** Takes the messages of a queue out of it; waits for `count` of them. */
    async receive(queueId: string, count = 1): Promise<readonly Record<string, unknown>[]> {
      const QueueUrl = assembly.byLogicalId(queueId)?.physicalId;
      const found: Record<string, unknown>[] = [];
      await until(`${count} messages in ${queueId}`, async () => {
        const answer = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
        for (const { Body = "", ReceiptHandle } of answer.Messages ?? []) {
          found.push(JSON.parse(Body) as Record<string, unknown>);
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
        return found.length >= count;
      });
      return found;
    },
    /** Messages that are in the queue, hidden ones included. */
    async count(queueId: string): Promise<number> {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: assembly.byLogicalId(queueId)?.physicalId,
          AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        }),
      );
      return Object.values(Attributes ?? {}).reduce((sum, value) => sum + Number(value), 0);
    },
    async close(): Promise<void> {
      for (const close of closers.reverse()) await close();
      sqs.destroy();
      await gateway.close(0);
      await fauxqs.close();
      await dynamoDb?.close();
    },
  };
}

export type TestCloud = Awaited<ReturnType<typeof startTestCloud>>;
