import { BatchGetCommand, BatchWriteCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoFingerprintStore } from "#shared/adapters/dynamodb/fingerprint-store.ts";
import { BANDS, fingerprintOf, type Print } from "#shared/domain/duplicates/fingerprint.ts";
import { asAccountId } from "#shared/domain/ids.ts";
import { fingerprintStoreContract } from "#test/contracts/fingerprint-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const entropy = { random: () => 0.5 };

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

fingerprintStoreContract("DynamoDB", (options) => {
  const clock = manualClock();
  return { clock, fingerprints: createDynamoFingerprintStore({ ...table, clock, entropy, ...options }) };
});

const TEXT = "The harbour opens at nine this morning. Come early if you want to see the boats go out.";

describe("fingerprints in DynamoDB", () => {
  const clock = manualClock();
  const accountId = asAccountId("requests");
  const aPrint = (text: string): Print => {
    const fingerprint = fingerprintOf([{ text }]);
    if (!fingerprint) throw new RangeError("the text says nothing");
    return { taskId: freshTaskId(), accountId, slotAt: clock.now(), fingerprint };
  };
  const keptUntil = new Date(clock.now().getTime() + 86_400_000);
  const wishFor = ({ fingerprint, slotAt }: Print) => ({
    accountId,
    fingerprint,
    from: slotAt,
    until: slotAt,
    threshold: 0.6,
  });

  it("takes a fixed number of requests: one batch of 25 to write, a query per bucket and one batch to read", async () => {
    const sent: object[] = [];
    const documents = Object.assign(Object.create(table.documents), {
      send(command: object) {
        sent.push(command);
        return table.documents.send(command as never);
      },
    });
    const store = createDynamoFingerprintStore({ ...table, documents, clock, entropy });
    const print = aPrint(TEXT);
    await store.put(print, keptUntil);
    const writes = sent.filter((command) => command instanceof BatchWriteCommand);
    expect(writes.map(({ input }) => input.RequestItems?.[table.tableName]?.length)).toEqual([25]);

    sent.length = 0;
    expect(await store.findNear(wishFor(print))).toHaveLength(1);
    expect(sent.filter((command) => command instanceof QueryCommand)).toHaveLength(BANDS + 1);
    expect(sent.filter((command) => command instanceof BatchGetCommand)).toHaveLength(1);
    expect(sent).toHaveLength(BANDS + 2);
  });

  /** Leaves all but the first request of a batch undone, `times` times. */
  function busy(times: number) {
    let left = times;
    return Object.assign(Object.create(table.documents), {
      async send(command: object) {
        if (left <= 0) return table.documents.send(command as never);
        if (command instanceof BatchWriteCommand) {
          left--;
          const [first, ...rest] = command.input.RequestItems?.[table.tableName] ?? [];
          if (first)
            await table.documents.send(
              new BatchWriteCommand({ RequestItems: { [table.tableName]: [first] } }),
            );
          return { UnprocessedItems: rest.length > 0 ? { [table.tableName]: rest } : {} };
        }
        if (command instanceof BatchGetCommand) {
          left--;
          return { Responses: {}, UnprocessedKeys: command.input.RequestItems };
        }
        return table.documents.send(command as never);
      },
    });
  }

  it("repeats what the table left undone, and says so when it never gets done", async () => {
    const print = aPrint(`${TEXT} Bring a warm coat and a thermos of tea.`);
    const patient = manualClock();
    await createDynamoFingerprintStore({ ...table, documents: busy(3), clock: patient, entropy }).put(
      print,
      keptUntil,
    );
    expect(patient.slept.map((at) => at.getTime() - clock.now().getTime())).toEqual([50, 150, 350]);
    const store = createDynamoFingerprintStore({ ...table, documents: busy(1), clock, entropy });
    expect(await store.findNear({ ...wishFor(print), threshold: 1 })).toHaveLength(1);
    const never = createDynamoFingerprintStore({
      ...table,
      documents: busy(Number.POSITIVE_INFINITY),
      clock: manualClock(),
      entropy,
    });
    await expect(never.findNear(wishFor(print))).rejects.toMatchObject({ code: "dependency-unavailable" });
  });

  it("believes the print, not a bucket that was left behind", async () => {
    const store = createDynamoFingerprintStore({ ...table, clock, entropy });
    const print = aPrint("A quiet evening by the lake, with nobody around but two swans and a heron.");
    await store.put(print, keptUntil);
    const slotAt = new Date(clock.now().getTime() + 60_000);
    // As if the writer had died before it could delete the buckets of the old slot.
    const documents = Object.assign(Object.create(table.documents), {
      async send(command: object) {
        const writes =
          command instanceof BatchWriteCommand ? command.input.RequestItems?.[table.tableName] : [];
        if (writes?.some(({ DeleteRequest }) => DeleteRequest)) throw new Error("died");
        return table.documents.send(command as never);
      },
    });
    const dying = createDynamoFingerprintStore({ ...table, documents, clock, entropy });
    await expect(dying.put({ ...print, slotAt }, keptUntil)).rejects.toThrow("died");
    expect(await store.findNear(wishFor(print))).toEqual([]);
    expect(await store.findNear({ ...wishFor(print), until: slotAt })).toMatchObject([{ slotAt }]);
  });
});
