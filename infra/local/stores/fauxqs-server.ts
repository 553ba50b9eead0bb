import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { loadInternals } from "./fauxqs-internals.ts";
import { ObjectFiles } from "./object-files.ts";

export interface FauxqsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Queues and objects on one port of this machine only (`startFauxqs` listens on every interface). Queues are kept in
 * SQLite and objects in files; both in memory without a directory.
 */
export async function startFauxqs(settings: {
  readonly directory?: string;
  readonly region: string;
}): Promise<FauxqsServer> {
  const internals = await loadInternals();
  const queues = internals.createQueues();
  const topics = internals.createTopics();
  const objects = internals.createObjects();
  const closeDisk: (() => void)[] = [];
  if (settings.directory !== undefined) {
    mkdirSync(settings.directory, { recursive: true });
    const disk = internals.createQueueDisk(settings.directory);
    disk.loadSqsAndSns(queues, topics);
    queues.persistence = disk;
    for (const queue of queues.allQueues()) {
      queue.persistence = disk;
    }
    const files = new ObjectFiles(join(settings.directory, "s3"));
    files.loadS3(objects);
    objects.persistence = files;
    closeDisk.push(() => disk.close());
  }
  const app = internals.buildApp({
    logger: false,
    defaultRegion: settings.region,
    stores: { sqsStore: queues, snsStore: topics, s3Store: objects } as never,
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const address = app.server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: async () => {
      await app.close();
      for (const close of closeDisk) {
        close();
      }
    },
  };
}
