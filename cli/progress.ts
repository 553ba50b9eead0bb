import { SingleBar } from "cli-progress";

export interface Bar {
  /** @param says - what stands behind the bar */
  readonly update: (done: number, says?: string) => void;
  readonly stop: () => void;
}

const SILENT: Bar = { update: () => undefined, stop: () => undefined };

export interface BarOptions {
  /** Where nobody looks nothing is drawn. */
  readonly isSeen: boolean;
  readonly stream: NodeJS.WritableStream;
  readonly title: string;
  readonly total: number;
}

/** A bar on the error output of a terminal. It goes away when it stops: the answer stands alone. */
export function openBar({ isSeen, stream, title, total }: BarOptions): Bar {
  if (!isSeen) return SILENT;
  const bar = new SingleBar({
    stream,
    format: `${title} {bar} {says}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 20,
    hideCursor: true,
    clearOnComplete: true,
    fps: 5,
  });
  bar.start(Math.max(1, total), 0, { says: "" });
  return {
    update: (done, says = `${done} of ${total}`) => bar.update(Math.min(done, Math.max(1, total)), { says }),
    stop: () => bar.stop(),
  };
}
