import { mediaSourceContract } from "#test/contracts/media-source.ts";
import { mediaUploadsContract } from "#test/contracts/media-uploads.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryUploads } from "#test/support/in-memory-uploads.ts";
import { createInMemoryBucket, sha256Of } from "#test/support/media-files.ts";

// The fakes that the other tests here trust keep the promises of what they stand for.

mediaSourceContract("in memory", () => {
  const bucket = createInMemoryBucket();
  return {
    source: bucket,
    put: async (key, bytes) => bucket.put(key, bytes),
    delete: async (key) => bucket.delete(key),
  };
});

mediaUploadsContract("in memory", () => {
  const uploads = createInMemoryUploads({ clock: manualClock() });
  return {
    uploads,
    async uploaded(mediaId) {
      const bytes = uploads.bytesOf(mediaId);
      const altText = uploads.altTextOf(mediaId);
      return bytes && { sha256: sha256Of(bytes), ...(altText !== undefined && { altText }) };
    },
  };
});
