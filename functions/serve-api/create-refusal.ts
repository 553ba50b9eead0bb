import { unknownProject } from "#functions/middleware/unknown-project.ts";
import type { InputError, ProblemCode } from "#shared/contract/problem.ts";
import { quote } from "#shared/domain/words.ts";
import type { CreateTaskRefusal } from "#shared/usecases/create-task.ts";

export const unknownAccount = (detail: string, where: Partial<InputError>) =>
  ({ problem: "unknown-account", detail, errors: [{ ...where, detail }] }) as const;

const at = <Problem extends ProblemCode>(problem: Problem, pointer: string, detail: string) => ({
  problem,
  detail,
  errors: [{ pointer, detail }],
});

/** Which field is about the time, if it is not `publishAt`. */
const TIME_FIELDS: Readonly<Record<string, string>> = { "strategy-and-time": "strategy" };

/** How a post that was not accepted is answered. @param root - pointer to the entry; empty for the body itself */
export function createRefusal(
  error: CreateTaskRefusal,
  {
    project,
    isThread,
    root = "",
  }: { readonly project: string; readonly isThread: boolean; readonly root?: string },
) {
  switch (error.reason) {
    case "unknown-project":
      return unknownProject(error.name, error.known, { pointer: `${root}/project` });
    case "unknown-account":
      return unknownAccount(`The project ${quote(project)} has no account ${quote(error.name)}.`, {
        pointer: `${root}/account`,
      });
    case "bad-time":
      return at(error.code, `${root}/${TIME_FIELDS[error.code] ?? "publishAt"}`, error.message);
    case "bad-text": {
      const part = error.part === undefined ? "" : `/${error.part}`;
      return at(error.code, `${root}${isThread ? `/thread${part}` : "/text"}`, error.message);
    }
    case "bad-media":
      return at(
        error.code,
        error.index === undefined ? `${root}/media` : `${root}/media/${error.index}`,
        error.message,
      );
    case "too-many-active-tasks":
      return at(
        error.reason,
        root,
        `You have ${error.most} tasks that have not ended, and no more are taken: the setting activeTasksPerOwner says so. Cancel some, or wait until they are published.`,
      );
    case "no-free-slot":
      return at("no-free-slot", `${root}/strategy`, `${error.why.message} ${error.why.remedy}`);
    case "repeats":
      return at(
        error.why.code,
        `${root}${isThread ? "/thread" : "/text"}`,
        `${error.why.message} ${error.why.remedy}`,
      );
  }
}
