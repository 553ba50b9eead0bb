import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { KMSClient } from "@aws-sdk/client-kms";
import { createKms } from "#infra/local/services/kms.ts";
import type { Assembly, Resource } from "#infra/local/template/assembly.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";

const KEY: Resource = {
  logicalId: "Credentials",
  stack: "Test",
  type: "AWS::KMS::Key",
  properties: {},
  physicalId: "11111111-2222-3333-4444-555555555555",
  arn: "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555",
};

export interface KeyService {
  readonly kms: KMSClient;
  readonly keyId: string;
  /** Answers KMS itself and passes everything else on to `behind`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The local key service with one key.
 *
 * @param behind - another AWS endpoint that shares the address, as in the local cloud
 */
export async function startKeyService(behind?: string): Promise<KeyService> {
  const service = createKms({
    assembly: { ofType: (type: string) => [KEY].filter((r) => r.type === type) } as unknown as Assembly,
  });
  const server = createServer((incoming, outgoing) => {
    const target = String(incoming.headers["x-amz-target"] ?? "");
    if (!target.startsWith("TrentService.")) {
      if (behind === undefined) {
        outgoing.writeHead(404).end();
        return;
      }
      const { method, headers, url: path } = incoming;
      const onward = request(new URL(path ?? "/", behind), { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      onward.once("error", () => outgoing.destroy());
      incoming.pipe(onward);
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", async () => {
      const { status, headers, body } = await service({
        method: "POST",
        path: "/",
        query: new URLSearchParams(),
        headers: { "x-amz-target": target },
        body: Buffer.concat(chunks),
        caller: "OPERATOR",
      });
      outgoing.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kms = new KMSClient({
    ...AWS_CLIENT,
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  return {
    kms,
    keyId: KEY.physicalId,
    url,
    async close() {
      kms.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
