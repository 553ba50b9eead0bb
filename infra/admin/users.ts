import { type Command, InvalidArgumentError, Option } from "commander";
import { createUserBody } from "#shared/contract/user-view.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { ROLES, type Role } from "#shared/domain/role.ts";
import { statusOf } from "#shared/domain/user.ts";
import { FIRST_OWNER } from "#shared/usecases/connect-account.ts";
import { type CreateUserRefusal, createCreateUser } from "#shared/usecases/create-user.ts";
import type { CommandContext } from "./command.ts";
import { AdminError } from "./service.ts";

interface OwnerOption {
  readonly owner: string;
}

interface InviteOptions extends OwnerOption {
  readonly role: Role;
  readonly name?: string;
}

/** For commands that work for one tenant. */
export const ownerOption = (): Option =>
  new Option("--owner <name>", "the tenant").default(String(FIRST_OWNER));

const refusalText = (email: string, refusal: CreateUserRefusal): string => {
  switch (refusal.reason) {
    case "name-taken":
      return "Another user has this name. Remedy: give another one with --name.";
    case "email-taken":
      return `${email} has been invited already. Remedy: PATCH /api/v1/users/{id} with { "renewInvitation": true } makes a new invitation.`;
    case "too-many":
      return `There are ${refusal.limit} users already. Remedy: delete one that is not needed.`;
    case "last-admin":
    case "conflict":
      return "Somebody else changed the users at the same time. Remedy: try again.";
  }
};

const toEmail = (text: string): string => {
  const parsed = createUserBody.shape.email.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError("Give an e-mail address.");
  return parsed.data;
};

/** People who sign in. The first administrator has nobody who could invite them but whoever has rights on AWS. */
export function addUserCommands(program: Command, { act }: CommandContext): void {
  const users = program.command("users").description("people who sign in to the console");
  users
    .command("invite")
    .argument("<e-mail>", "also the name, unless --name is given", toEmail)
    .description("makes a user and shows the invitation once; it works for three days")
    .addOption(new Option("--role <role>", "what the person may do").choices(ROLES).default("viewer"))
    .option("--name <name>", "unique among the tenant's users")
    .addOption(ownerOption())
    .action(
      act<InviteOptions, [string]>(async (service, { role, name, owner }, [email]) => {
        const invited = await createCreateUser(service)(asOwnerId(owner), {
          name: name ?? email,
          email,
          role,
        });
        if (!invited.ok) throw new AdminError(refusalText(email, invited.error));
        const { user, invitation } = invited.value;
        return {
          json: { id: user.id, email, role, invitationCode: invitation, until: user.invitation?.until },
          text: [
            invitation,
            `For ${email}, ${role}. Shown only now. It sets a password once: POST /api/v1/sessions/invitations.`,
          ],
        };
      }),
    );
  users
    .command("list", { isDefault: true })
    .description("all users of a tenant")
    .addOption(ownerOption())
    .action(
      act<OwnerOption, []>(async (service, { owner }) => {
        const found = await service.users.list(asOwnerId(owner));
        return {
          json: found.map((user) => ({
            id: user.id,
            name: user.name,
            email: user.email,
            role: user.role,
            status: statusOf(user),
          })),
          text:
            found.length === 0
              ? ["There are no users yet: `npm run admin -- users invite <e-mail> --role admin` invites one."]
              : found.map(({ id, name, email, role, ...user }) =>
                  [id, name, email, role, statusOf(user)].join("  "),
                ),
        };
      }),
    );
}
