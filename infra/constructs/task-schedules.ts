import { Stack, Token } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";
import type { CloudFunction } from "#infra/constructs/cloud-function.ts";
import type { Grantee } from "#infra/constructs/grantee.ts";

/** What a function may do with the schedules of tasks. */
export type ScheduleAction = "CreateSchedule" | "DeleteSchedule";

/**
 * The group that holds the one-time schedules of tasks, and the role with which Scheduler starts their functions.
 *
 * Schedules themselves are made at run time; everyone who may make one may pass this role to Scheduler and to no other
 * service, and the role starts only the functions that were named here.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
 */
export class TaskSchedules extends Construct {
  private readonly group: CfnScheduleGroup;
  private readonly role: Role;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.group = new CfnScheduleGroup(this, "Group");
    // A new logical id would be a new group, and the schedules of the old one would be gone.
    this.group.overrideLogicalId("TaskScheduleGroup");
    this.role = new Role(this, "Role", {
      description: "What Scheduler may do for the schedules of tasks",
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: {
          StringEquals: { "aws:SourceAccount": Stack.of(this).account, "aws:SourceArn": this.group.attrArn },
        },
      }),
    });
  }

  get groupName(): string {
    return this.group.ref;
  }

  get roleArn(): string {
    return this.role.roleArn;
  }

  /** Lets Scheduler start this function. A statement of the role and not an inline policy: that would be a cycle. */
  start(target: CloudFunction): void {
    this.role.addToPolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [target.arn] }),
    );
  }

  /** Lets it do these things with schedules of this group, and hand the role to Scheduler. */
  allow(grantee: Grantee, actions: readonly ScheduleAction[]): void {
    const { region, account } = Stack.of(this);
    // cdk-nag shows a Region or account that the stage leaves open as a reference.
    const place = [
      Token.isUnresolved(region) ? "<AWS::Region>" : region,
      Token.isUnresolved(account) ? "<AWS::AccountId>" : account,
    ].join(":");
    grantee.allow({
      sid: "Schedules",
      actions: actions.map((action) => `scheduler:${action}`),
      // Names of schedules are `t-<task>-<arm>-prepare` and `-publish`.
      resources: [
        Stack.of(this).formatArn({
          service: "scheduler",
          resource: "schedule",
          resourceName: `${this.groupName}/t-*`,
        }),
      ],
      wildcard: {
        finding: `Resource::arn:<AWS::Partition>:scheduler:${place}:schedule/<TaskScheduleGroup>/t-*`,
        reason: "Schedules are made at run time, one or two for each task, and named after it.",
      },
    });
    grantee.allow({
      sid: "PassSchedulerRole",
      actions: ["iam:PassRole"],
      resources: [this.roleArn],
      conditions: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
    });
  }
}
