import { type TaskMessagesDeps, taskMessageHandler } from "#functions/middleware/task-messages.ts";
import type { PublishPost } from "#shared/usecases/publish-post.ts";
import type { ReconcilePost } from "#shared/usecases/reconcile-post.ts";
import type { VerifyAccount } from "#shared/usecases/verify-account.ts";

export interface PublishPostHandlerDeps extends Pick<TaskMessagesDeps, "clock" | "entropy" | "logger"> {
  /** The function schedules its own retries, so it has to know its ARN. */
  readonly publishPost: (functionArn: string) => PublishPost;
  readonly reconcilePost: (functionArn: string) => ReconcilePost;
  readonly verifyAccount: VerifyAccount;
}

/** Publishes what is due, reads back what became of a lost answer, and verifies accounts ahead of time. */
export const createHandler = ({
  publishPost,
  reconcilePost,
  verifyAccount,
  ...deps
}: PublishPostHandlerDeps) =>
  taskMessageHandler({
    ...deps,
    steps: {
      publish: (message, { functionArn, ...invocation }) => publishPost(functionArn)(message, invocation),
      settle: (message, { functionArn, ...invocation }) => reconcilePost(functionArn)(message, invocation),
      verify: verifyAccount,
    },
  });
