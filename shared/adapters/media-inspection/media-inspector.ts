import { fileTypeFromBuffer } from "file-type";
import { mediaKindOf } from "#shared/domain/media.ts";
import type { MediaInspector } from "#shared/ports/media-inspector.ts";
import { inspectPicture } from "./picture.ts";
import { inspectVideo } from "./video.ts";

/** Enough for every signature: the farthest that file-type looks into a file from its start. */
const SIGNATURE_BYTES = 4_100;

/** Types from signatures, pictures by their headers and end marks, videos by their index. */
export const mediaInspector: MediaInspector = {
  async identify(file) {
    const head = await file.read(0, Math.min(SIGNATURE_BYTES, file.sizeBytes));
    return (await fileTypeFromBuffer(head))?.mime;
  },
  inspect: (file, type) => (mediaKindOf(type) === "video" ? inspectVideo(file) : inspectPicture(file, type)),
};
