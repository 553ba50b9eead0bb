const shop = {
  name: "shop",
  timeZone: "Europe/Berlin",
  accounts: ["shop", "second"],
  defaultAccount: "shop",
  sources: ["shop"],
  weight: 5,
  policyVersion: 1,
  version: 2,
} as const;
const params = { name: "shop" } as const;

export const PROJECT_EXAMPLES = {
  createProject: {
    body: { name: "shop", timeZone: "Europe/Berlin", accounts: ["shop", "second"], preset: "steady" },
    answer: { ...shop, job: "fill-days-shop", warnings: [] },
  },
  listProjects: { answer: { items: [shop] } },
  readProject: { params, answer: shop },
  updateProject: {
    params,
    body: { accounts: ["shop"], defaultAccount: "shop" },
    answer: { ...shop, accounts: ["shop"], version: 3 },
  },
  deleteProject: { params, answer: shop },
};
