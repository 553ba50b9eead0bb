/** Composition root of what happens ahead of the slot: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoCredentialsVault } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoMediaProgressStore } from "#shared/adapters/dynamodb/media-progress-store.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createDynamoWriterKeyVault } from "#shared/adapters/dynamodb/writer-key-vault.ts";
import { createDynamoWritingCache } from "#shared/adapters/dynamodb/writing-cache.ts";
import { createGeminiTextWriter } from "#shared/adapters/gemini/text-writer.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { createS3MediaSource } from "#shared/adapters/s3/media-source.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createXMediaUploads } from "#shared/adapters/x/media-uploads.ts";
import { createXAgent } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createPreparePost } from "#shared/usecases/prepare-post.ts";
import { createUploadMedia } from "#shared/usecases/upload-media.ts";
import { createWriteText } from "#shared/usecases/write-text.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const documents = DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT));
const table = { documents, tableName: config.TABLE_NAME };
const scheduler = new SchedulerClient(AWS_CLIENT);
const sqs = new SQSClient(AWS_CLIENT);
const agent = createXAgent(config.X_ENDPOINT, { keepAlive: true });
const envelope = createKmsEnvelope({ kms: new KMSClient(AWS_CLIENT), keyId: config.CREDENTIALS_KEY_ID });
const sessions = createXSessions({
  vault: createDynamoCredentialsVault({ ...table, envelope }),
  clock,
  entropy,
  agent,
});

const tasks = createDynamoTaskStore({ ...table, clock, entropy });
const accounts = createDynamoAccountStore({ ...table, clock, entropy });
const uploadMedia = createUploadMedia({
  // S3 has no checksum for a range, so asking for one only costs time.
  source: createS3MediaSource({
    s3: new S3Client({ ...AWS_CLIENT, responseChecksumValidation: "WHEN_REQUIRED" }),
    bucket: config.BUCKET_NAME,
  }),
  uploads: createXMediaUploads({ sessions, clock, agent }),
  progress: createDynamoMediaProgressStore(table),
  clock,
  entropy,
  concurrency: config.UPLOAD_CONCURRENCY,
});
const writeText = createWriteText({
  writer: createGeminiTextWriter({
    endpoint: config.GEMINI_ENDPOINT,
    getKey: createDynamoWriterKeyVault({ ...table, envelope }).load,
  }),
  cache: createDynamoWritingCache({ ...table, clock }),
  clock,
  entropy,
  model: config.GEMINI_MODEL,
});
const logger = new Logger();
const settings = createCachedSettings({
  store: createDynamoSettingsStore({ ...table, clock, entropy }),
  clock,
  report: (error) => logger.warn("older settings stay in force", { error }),
});

export const handler = createHandler({
  clock,
  entropy,
  logger,
  preparePost: (functionArn) =>
    createPreparePost({
      tasks,
      accounts,
      uploadMedia,
      writeText,
      settings,
      clock,
      entropy,
      dispatch: createAwsTaskDispatch({
        scheduler,
        sqs,
        clock,
        groupName: config.SCHEDULE_GROUP,
        schedulerRoleArn: config.SCHEDULER_ROLE_ARN,
        functionArns: { prepare: functionArn },
        queueUrls: { prepare: config.PREPARE_QUEUE_URL, publish: config.PUBLISH_QUEUE_URL },
      }),
    }),
});
