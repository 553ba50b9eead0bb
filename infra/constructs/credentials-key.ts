import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AccountRootPrincipal, Effect, PolicyDocument, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { type CfnKey, Key } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { Grantee } from "#infra/constructs/grantee.ts";

/** To look after the key: enough for a deploy and for an administrator, and nothing that uses it. */
const ADMINISTRATION = [
  "kms:CancelKeyDeletion",
  "kms:DescribeKey",
  "kms:DisableKey",
  "kms:DisableKeyRotation",
  "kms:EnableKey",
  "kms:EnableKeyRotation",
  "kms:GetKeyPolicy",
  "kms:GetKeyRotationStatus",
  "kms:ListKeyPolicies",
  "kms:ListKeyRotations",
  "kms:ListResourceTags",
  "kms:PutKeyPolicy",
  "kms:RotateKeyOnDemand",
  "kms:ScheduleKeyDeletion",
  "kms:TagResource",
  "kms:UntagResource",
  "kms:UpdateKeyDescription",
];

/** Envelope encryption needs no more than these. */
const USE = ["kms:Decrypt", "kms:GenerateDataKey"];

/**
 * The key that seals the credentials of accounts on other platforms.
 *
 * Its policy lets nobody use it without saying whose credentials are meant (the encryption context `accountId`), so a
 * sealed item that is copied to another account does not open, and CloudTrail says which one was opened.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
 */
export class CredentialsKey extends Construct {
  private readonly key: Key;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.key = new Key(this, "Key", {
      description: "Seals the credentials that Punctual posts with",
      enableKeyRotation: true,
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.RETAIN,
      policy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: "Administration",
            effect: Effect.ALLOW,
            principals: [new AccountRootPrincipal()],
            actions: ADMINISTRATION,
            resources: ["*"],
          }),
          new PolicyStatement({
            sid: "UseByRolesThatMayForANamedAccount",
            effect: Effect.ALLOW,
            principals: [new AccountRootPrincipal()],
            actions: USE,
            resources: ["*"],
            conditions: { Null: { "kms:EncryptionContext:accountId": "false" } },
          }),
        ],
      }),
    });
    // Independent of where the construct stands: a new logical id would be a new key, which opens nothing.
    (this.key.node.defaultChild as CfnKey).overrideLogicalId("CredentialsKey");
  }

  get id(): string {
    return this.key.keyId;
  }

  /** Lets it open secrets of webhooks, which are sealed with the same key, and no credentials. */
  allowOpenWebhooks(grantee: Grantee): void {
    grantee.allow({
      sid: "WebhookSecrets",
      actions: ["kms:Decrypt"],
      resources: [this.key.keyArn],
      conditions: { StringLike: { "kms:EncryptionContext:accountId": "webhook:*" } },
    });
  }

  /** Lets it open credentials, and seal them again after a refresh. */
  allowUse(grantee: Grantee): void {
    grantee.allow({ sid: "Credentials", actions: USE, resources: [this.key.keyArn] });
  }
}
