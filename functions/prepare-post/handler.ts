import { type TaskMessagesDeps, taskMessageHandler } from "#functions/middleware/task-messages.ts";
import type { PreparePost } from "#shared/usecases/prepare-post.ts";

export interface PreparePostHandlerDeps extends Pick<TaskMessagesDeps, "clock" | "entropy" | "logger"> {
  /** The function schedules its own retries, so it has to know its ARN. */
  readonly preparePost: (functionArn: string) => PreparePost;
}

/** Uploads the media of a task and has its text written, woken by Scheduler ahead of the slot, or by its own messages to go on. */
export const createHandler = ({ preparePost, ...deps }: PreparePostHandlerDeps) =>
  taskMessageHandler({
    ...deps,
    steps: {
      prepare: (message, { functionArn, ...invocation }) => preparePost(functionArn)(message, invocation),
    },
  });
