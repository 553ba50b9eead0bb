import { isObject, type Place, type Right, text, UnknownCall } from "./rights.ts";

const verbs: ReadonlyMap<string, string> = new Map([
  ["DELETE", "Delete"],
  ["GET", "Get"],
  ["POST", "Create"],
  ["PUT", "Update"],
]);

/**
 * The rights that an EventBridge Scheduler call needs. Handing a role to a schedule also needs `iam:PassRole`, for
 * creation as for a change.
 * @throws UnknownCall
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
 */
export function scheduleRights(
  place: Place,
  method: string,
  path: string,
  query: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
): readonly Right[] {
  const [kind, encodedName] = path.split("/").filter((part) => part !== "");
  const arn = (resource: string): string =>
    `arn:aws:scheduler:${place.region}:${place.accountId}:${resource}`;
  const verb = verbs.get(method);
  if (kind === "schedules" && encodedName === undefined && method === "GET") {
    return [{ action: "scheduler:ListSchedules", resource: "*" }];
  }
  if (
    verb === undefined ||
    encodedName === undefined ||
    (kind !== "schedules" && kind !== "schedule-groups")
  ) {
    throw new UnknownCall(`scheduler ${method} ${path}`);
  }
  const name = decodeURIComponent(encodedName);
  if (kind === "schedule-groups") {
    return [{ action: `scheduler:${verb}ScheduleGroup`, resource: arn(`schedule-group/${name}`) }];
  }
  const given = text(body["GroupName"]) || query.get("groupName");
  const group = given === null || given === "" ? "default" : given;
  const right: Right = { action: `scheduler:${verb}Schedule`, resource: arn(`schedule/${group}/${name}`) };
  if (verb !== "Create" && verb !== "Update") {
    return [right];
  }
  const target = isObject(body["Target"]) ? body["Target"] : {};
  return [
    right,
    {
      action: "iam:PassRole",
      resource: text(target["RoleArn"]),
      context: { "iam:PassedToService": "scheduler.amazonaws.com" },
    },
  ];
}
