import { type TaskMessagesDeps, taskMessageHandler } from "#functions/middleware/task-messages.ts";
import type { PublishPost } from "#shared/usecases/publish-post.ts";

export interface PublishPostHandlerDeps extends Pick<TaskMessagesDeps, "clock" | "entropy" | "logger"> {
  /** The function schedules its own retries, so it has to know its ARN. */
  readonly publishPost: (functionArn: string) => PublishPost;
}

/** Publishes what Scheduler or the queue says is due. */
export const createHandler = ({ publishPost, ...deps }: PublishPostHandlerDeps) =>
  taskMessageHandler({
    ...deps,
    step: "publish",
    run: (message, { functionArn, ...invocation }) => publishPost(functionArn)(message, invocation),
  });
