import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { Assembly } from "../template/assembly.ts";
import { operatorId } from "./caller.ts";
import { dynamoDbRights } from "./dynamodb-rights.ts";
import { type KeyNames, keyRights } from "./key-rights.ts";
import { queueRights } from "./queue-rights.ts";
import { createRecentWrites } from "./recent-writes.ts";
import { type Answer, errorAnswer } from "./refusals.ts";
import { isObject, type Place, type Right, records, text } from "./rights.ts";
import { scheduleRights } from "./schedule-rights.ts";
import type { Service } from "./service.ts";
import type { Unkindness, UnkindRule } from "./unkindness.ts";
import { endToEnd, type Upstream } from "./upstream.ts";

export interface JsonRequest {
  readonly caller: string;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly body: Readonly<Record<string, unknown>>;
}

/** How one service with JSON bodies is spoken to, behind the gateway. */
export interface JsonService {
  operation(request: JsonRequest): string;
  /** @throws UnknownCall */
  rights(request: JsonRequest, operation: string): readonly Right[];
  answer(request: JsonRequest, operation: string, circumstances: Circumstances): Promise<ServiceAnswer>;
}

export interface Circumstances {
  /** Tells whether the client is still there. */
  readonly response: ServerResponse;
  /** The unkindness that struck this request. */
  readonly rule: UnkindRule | undefined;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Uint8Array;
}

export interface JsonServicesOptions {
  readonly assembly: Assembly;
  readonly dynamoDb: Upstream;
  readonly fauxqs: Upstream;
  /** Template's stream ARN → the stream's ARN in DynamoDB Local. */
  readonly streams: ReadonlyMap<string, string>;
  readonly scheduler: Service;
  readonly kms: Service;
  readonly keyNames: KeyNames;
  readonly unkindness: Unkindness;
  readonly now: () => number;
}

const target = (request: JsonRequest): string => text(request.headers["x-amz-target"]).replace(/^.*\./, "");

export function createJsonServices(options: JsonServicesOptions): ReadonlyMap<string, JsonService> {
  const { assembly } = options;
  const place: Place = assembly;
  return new Map<string, JsonService>([
    ["dynamodb", createDynamoDb(options, place)],
    ["sqs", createQueues(options, place)],
    [
      "kms",
      {
        operation: target,
        rights: (request, operation) => keyRights(place, operation, request.body, options.keyNames),
        answer: (request) => inProcess(options.kms, request),
      },
    ],
    [
      "scheduler",
      {
        operation: ({ method, path }) => scheduleOperation(method, path),
        rights: ({ method, path, query, body }) => scheduleRights(place, method, path, query, body),
        answer: (request) => inProcess(options.scheduler, request),
      },
    ],
  ]);
}

function scheduleOperation(method: string, path: string): string {
  const [kind, name] = path.split("/").filter((part) => part !== "");
  const verb = { DELETE: "Delete", GET: name === undefined ? "List" : "Get", POST: "Create", PUT: "Update" }[
    method
  ];
  const noun = kind === "schedules" ? "Schedule" : "ScheduleGroup";
  return `${verb ?? method}${noun}${verb === "List" ? "s" : ""}`;
}

async function inProcess(service: Service, request: JsonRequest): Promise<ServiceAnswer> {
  const { method, path, query, raw, caller } = request;
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
  return service({ method, path, query, headers, body: raw, caller });
}

function createDynamoDb(options: JsonServicesOptions, place: Place): JsonService {
  const { assembly, dynamoDb, streams, unkindness, now } = options;
  const recent = createRecentWrites(assembly);
  const toLocal = [...streams];
  const toTemplate = toLocal.map(([template, local]) => [local, template] as const);
  const streamOf = (localArn: string): string =>
    toTemplate.find(([local]) => local === localArn)?.[1] ?? localArn;

  return {
    operation: target,
    rights: (request, operation) => dynamoDbRights(place, operation, request.body, streamOf),
    answer: async (request, operation, { rule }) => {
      // DynamoDB Local names streams by the instant of their creation and tables by a Region of its own.
      // Iterators hold the local name and are handed out and taken back as they are.
      const namesStreams = request.body["StreamArn"] !== undefined;
      const raw = namesStreams ? Buffer.from(rename(request.raw.toString("utf8"), toLocal)) : request.raw;
      const answer = await dynamoDb.fetch({
        method: "POST",
        path: "/",
        headers: endToEnd(request.headers),
        body: raw,
      });
      const headers = endToEnd(answer.headers);
      if (answer.status !== 200) {
        return { status: answer.status, headers, body: answer.body };
      }
      if (unkindness.staleForMs() > 0) {
        recent.note(operation, request.body, now());
      }
      if (described.has(operation)) {
        delete headers["x-amz-crc32"];
        const localTables = `arn:aws:dynamodb:ddblocal:000000000000:table/`;
        const ownTables = `arn:aws:dynamodb:${place.region}:${place.accountId}:table/`;
        const body = rename(answer.body.toString("utf8"), [...toTemplate, [localTables, ownTables]]);
        return { status: 200, headers, body };
      }
      if (rule?.kind === "stale-index" && request.body["IndexName"] !== undefined) {
        delete headers["x-amz-crc32"];
        const parsed: unknown = JSON.parse(answer.body.toString("utf8"));
        const hidden = recent.hide(request.body, isObject(parsed) ? parsed : {}, now() - rule.staleForMs);
        return { status: 200, headers, body: JSON.stringify(hidden) };
      }
      return { status: 200, headers, body: answer.body };
    },
  };
}

/** Calls whose answers hold ARNs of tables and streams. */
const described = new Set(["DescribeStream", "DescribeTable", "ListStreams"]);

const rename = (value: string, names: readonly (readonly [from: string, to: string])[]): string =>
  names.reduce((renamed, [from, to]) => renamed.replaceAll(from, to), value);

function createQueues({ fauxqs, unkindness }: JsonServicesOptions, place: Place): JsonService {
  return {
    operation: target,
    rights: (request, operation) => queueRights(place, operation, request.body),
    answer: async (request, operation, { response }) => {
      const headers = endToEnd(request.headers);
      const carryOut = () => fauxqs.fetch({ method: "POST", path: "/", headers, body: request.raw });
      const { caller } = request;
      const isMet = operation === "SendMessage" && caller !== operatorId;
      if (isMet && unkindness.doubles({ service: "sqs", operation, caller })) {
        await carryOut();
      }
      const answer = await carryOut();
      if (operation === "ReceiveMessage" && answer.status === 200 && response.destroyed) {
        await handBack(fauxqs, headers, request.body, answer.body);
      }
      return { status: answer.status, headers: endToEnd(answer.headers), body: answer.body };
    },
  };
}

/** A poller that went away during its long poll must not keep messages hidden for their whole visibility timeout. */
async function handBack(
  fauxqs: Upstream,
  headers: Readonly<Record<string, string | string[]>>,
  body: Readonly<Record<string, unknown>>,
  answer: Buffer,
): Promise<void> {
  const parsed: unknown = JSON.parse(answer.toString("utf8"));
  for (const message of records(isObject(parsed) ? parsed["Messages"] : [])) {
    const handed = {
      QueueUrl: body["QueueUrl"],
      ReceiptHandle: message["ReceiptHandle"],
      VisibilityTimeout: 0,
    };
    await fauxqs.fetch({
      method: "POST",
      path: "/",
      headers: { ...headers, "x-amz-target": "AmazonSQS.ChangeMessageVisibility" },
      body: Buffer.from(JSON.stringify(handed)),
    });
  }
}

/** `TransactWriteItems` cancelled because another transaction held one of the items. */
export function transactionConflict(body: Readonly<Record<string, unknown>>): Answer {
  const reasons = records(body["TransactItems"]).map((_item, index) =>
    index === 0
      ? { Code: "TransactionConflict", Message: "Transaction is ongoing for the item" }
      : { Code: "None" },
  );
  const summary = reasons.map(({ Code }) => Code).join(", ");
  return errorAnswer(
    "dynamodb",
    "TransactionCanceledException",
    400,
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${summary}]`,
    { CancellationReasons: reasons },
  );
}
