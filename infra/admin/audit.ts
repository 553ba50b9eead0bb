import type { Command } from "commander";
import type { AuditHead, BadEntry } from "#shared/domain/audit.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { createVerifyAudit } from "#shared/usecases/verify-audit.ts";
import type { CommandContext } from "./command.ts";
import { ownerOption } from "./users.ts";

/** Entries of one step: a few seconds of reading. */
const STEP = 5_000;

const FAULTS: Readonly<Record<BadEntry["fault"], string>> = {
  removed: "it is missing",
  altered: "its text is not the one that was written",
  moved: "it belongs to another place",
  cut: "it and everything after it is missing",
  "head-altered": "the stored end of the chain does not fit it",
};

/** Whether somebody with rights on the table laid hands on the log of changes and denials. */
export function addAuditCommand(program: Command, { act }: CommandContext): void {
  program
    .command("audit")
    .description("the log of changes and denials")
    .command("verify", { isDefault: true })
    .description("recomputes its chains; exits with 1 when an entry was altered, moved or removed")
    .addOption(ownerOption())
    .action(
      act<{ readonly owner: string }, []>(async (service, { owner }) => {
        const verify = createVerifyAudit(service);
        const ends: AuditHead[] = [];
        let checked = 0;
        for (let cursor: string | undefined; ; ) {
          const step = await verify(asOwnerId(owner), {
            limit: STEP,
            ...(cursor !== undefined && { cursor }),
          });
          if (!step.ok) throw new RangeError("a cursor of its own is refused");
          const { bad, next } = step.value;
          checked += step.value.checked;
          ends.push(...step.value.ends);
          if (bad)
            return {
              json: { ok: false, checked, bad },
              text: [`Entry ${bad.number} of chain ${bad.chain} is wrong: ${FAULTS[bad.fault]}.`],
              code: 1,
            };
          if (next === undefined) break;
          cursor = next;
        }
        const used = ends.filter(({ count }) => count > 0);
        return {
          json: { ok: true, checked, ends: used },
          text: [
            `${checked} entries, nothing wrong. Note the ends elsewhere: they date everything before them.`,
            ...used.map(({ chain, count, hash }) => `  chain ${chain}, entry ${count}: ${hash}`),
          ],
        };
      }),
    );
}
