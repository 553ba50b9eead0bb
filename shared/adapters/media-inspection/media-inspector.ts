import { fileTypeFromBuffer } from "file-type";
import { publishableType } from "#shared/domain/media-rules.ts";
import type { MediaInspector } from "#shared/ports/media-inspector.ts";
import { inspectPicture } from "./picture.ts";
import { inspectVideo } from "./video.ts";

/** Enough for every signature: the farthest that file-type looks into a file from its start. */
const SIGNATURE_BYTES = 4_100;

/** Types from signatures, pictures by their headers and end marks, videos by their index. */
export const mediaInspector: MediaInspector = {
  async inspect(file) {
    const head = await file.read(0, Math.min(SIGNATURE_BYTES, file.sizeBytes));
    const type = (await fileTypeFromBuffer(head))?.mime;
    if (type === undefined) return { kind: "unknown" };
    const published = publishableType(type);
    if (!published) return { kind: "other", type };
    return published.startsWith("video/") ? inspectVideo(file, type) : inspectPicture(file, type);
  },
};
