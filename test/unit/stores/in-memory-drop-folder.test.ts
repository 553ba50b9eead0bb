import { systemClock } from "#shared/adapters/system/clock.ts";
import { dropFolderContract } from "#test/contracts/drop-folder.ts";
import { createInMemoryDropFolder } from "#test/support/in-memory-drop-folder.ts";

dropFolderContract("in memory", () => {
  const folder = createInMemoryDropFolder(systemClock);
  return {
    folder,
    async put(key, body) {
      folder.put(key, body);
    },
  };
});
