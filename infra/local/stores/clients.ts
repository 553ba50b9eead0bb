import type { Assembly } from "../template/assembly.ts";

/** How the stores are spoken to directly, past the gateway: as the one who deploys. */
export const direct = (assembly: Assembly, endpoint: string) => ({
  endpoint,
  region: assembly.region,
  credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
});
